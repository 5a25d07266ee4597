import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TokenStore } from '@tokenkeep/core';
import type { ClauseId, TokenStoreDefinition } from '../../src/index.ts';
import { PlainTokenStore, RIGHT_RULES, type Rules } from './plain-token-store.ts';
import { FileShelf, MemoryShelf, type Shelf } from './shelf.ts';

/** One fault, put into a correct store. */
export interface Fault {
  /** Decisions that are put wrong. */
  readonly rules?: Partial<Rules>;
  /** Decisions that are put wrong anew for each handle. */
  handle?(): Partial<Rules>;
  /** Methods that are put wrong; they get the store as it was, and where it keeps its records. */
  methods?(store: PlainTokenStore, shelf: Shelf, all: ReadonlyMap<string, Shelf>): object;
  /** Opens the file of a store that keeps one, in place of the usual way. */
  shelf?(path: string): Shelf;
}

/** A store that is broken on purpose. */
export interface BrokenStore {
  /** The fault, in words. */
  readonly fault: string;
  /** The clause that has to find it. */
  readonly clause: ClauseId;
  readonly definition: TokenStoreDefinition;
  /**
   * What is wrong with it is that something never comes to an end: milliseconds after which that is
   * certain. For all others, that time ran out proves nothing.
   */
  readonly hangs?: number;
  /** What it leaves behind is waited for, until half of what a call may take: how long a check may. */
  readonly limit?: number;
}

/** A correct store in memory with a fault in it. */
export function broken(clause: ClauseId, fault: string, how: Fault): BrokenStore {
  return { fault, clause, definition: inMemory(fault, how) };
}

/** A correct store in memory with a fault that keeps who calls it waiting. */
export function hanging(clause: ClauseId, fault: string, how: Fault): BrokenStore {
  return { ...broken(clause, fault, how), hangs: 1_000 };
}

/** A correct store in a file, durable and shared, with a fault in it. */
export function brokenFile(
  clause: ClauseId,
  fault: string,
  how: Fault,
  module: string,
): BrokenStore {
  return { fault, clause, definition: inFile(fault, how, module) };
}

/** A store in memory. */
export function inMemory(name: string, how: Fault = {}): TokenStoreDefinition {
  const shelves = new Map<string, MemoryShelf>();
  return {
    name,
    location: () => crypto.randomUUID(),
    open: (place) => {
      const shelf = shelves.get(String(place)) ?? new MemoryShelf();
      shelves.set(String(place), shelf);
      return withFault(shelf, how, shelves);
    },
    neighbour: (place) => `${String(place)}0`,
    destroy: (place) => void shelves.delete(String(place)),
    damage: (place) => {
      const shelf = shelves.get(String(place));
      if (shelf === undefined) return;
      Object.defineProperty(shelf, 'records', {
        configurable: true,
        get: () => {
          throw new Error('damaged');
        },
        // Who writes over it can read that.
        set: (value: unknown) => {
          Object.defineProperty(shelf, 'records', { value, writable: true });
        },
      });
    },
    versions: true,
    durable: false,
    shared: false,
    iterable: true,
  };
}

/** A store in a file. */
export function inFile(name: string, how: Fault, module: string): TokenStoreDefinition {
  return {
    name,
    location: () => join(mkdtempSync(join(tmpdir(), 'broken-store-')), 'records'),
    open: (place) => {
      const path = String(place);
      return withFault(how.shelf?.(path) ?? new FileShelf(path), how, new Map());
    },
    destroy: (place) => rmSync(dirname(String(place)), { recursive: true, force: true }),
    damage: (place) =>
      writeFileSync(String(place), 'not a database any more, but long enough to be read as one'),
    versions: true,
    durable: true,
    shared: true,
    iterable: true,
    module,
  };
}

function withFault(shelf: Shelf, how: Fault, all: ReadonlyMap<string, Shelf>): TokenStore {
  const right = new PlainTokenStore(shelf, { ...RIGHT_RULES, ...how.rules, ...how.handle?.() });
  if (how.methods === undefined) return right;
  // One store behind all methods, so that what is not put wrong, such as closing, stays right.
  const store: TokenStore = {
    findToken: (token) => right.findToken(token),
    findTokenById: (id) => right.findTokenById(id),
    saveToken: (token, options) => right.saveToken(token, options),
    deleteToken: (id, options) => right.deleteToken(id, options),
    tokens: () => right.tokens(),
    getTokens: () => right.getTokens(),
    deleteTokens: () => right.deleteTokens(),
    close: () => right.close(),
    [Symbol.asyncDispose]: () => store.close(),
  };
  return Object.assign(store, how.methods(right, shelf, all));
}
