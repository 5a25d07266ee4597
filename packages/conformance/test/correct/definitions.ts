import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import type { TokenStore } from '@tokenkeep/core';
import type { MaybePromise } from '@tokenkeep/core/adapter';
import { eventLogStore } from './event-log-store.ts';
import { jsonColumnStore } from './json-column-store.ts';
import { SlowShelf, slowStore } from './slow-store.ts';
import { WorkerTokenStore } from './worker-store.ts';

// Stores of other designs that keep the contract: the kit has nothing to say against any of them.

function inFolder(
  name: string,
  open: (path: string) => MaybePromise<TokenStore>,
): TokenStoreDefinition {
  return defineTokenStore({
    name,
    location: () => join(mkdtempSync(join(tmpdir(), 'correct-store-')), 'records'),
    open,
    destroy: (path) => rmSync(dirname(path), { recursive: true, force: true }),
    versions: true,
    durable: true,
    shared: false,
    iterable: true,
    module: import.meta.url,
  });
}

export const eventLog: TokenStoreDefinition = inFolder('event log', eventLogStore);
export const jsonColumn: TokenStoreDefinition = inFolder('JSON column and mutex', jsonColumnStore);

const workers = new Map<string, Worker>();

export const workerThread: TokenStoreDefinition = defineTokenStore({
  name: 'worker thread',
  location: () => crypto.randomUUID(),
  open: (name) => {
    const worker =
      workers.get(name) ??
      new Worker(new URL('./store-worker.ts', import.meta.url), { stdout: true });
    worker.setMaxListeners(0).unref();
    workers.set(name, worker);
    return new WorkerTokenStore(worker);
  },
  destroy: async (name) => {
    await workers.get(name)?.terminate();
    workers.delete(name);
  },
  versions: true,
  durable: false,
  shared: false,
  iterable: false,
  module: import.meta.url,
});

const shelves = new Map<string, SlowShelf>();

export const slow: TokenStoreDefinition = defineTokenStore({
  name: '5 ms a call',
  location: () => crypto.randomUUID(),
  open: (name) => {
    const shelf = shelves.get(name) ?? new SlowShelf();
    shelves.set(name, shelf);
    return slowStore(shelf);
  },
  destroy: (name) => void shelves.delete(name),
  versions: true,
  durable: false,
  shared: false,
  iterable: true,
  module: import.meta.url,
});
