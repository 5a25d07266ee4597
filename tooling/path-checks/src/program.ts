// Does the steps of a script, which it gets as its argument, and prints the outcomes as JSON.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { OAuthToken, TokenStoreError } from '@tokenkeep/core';
import type { StorageTokenStore } from '@tokenkeep/core/adapter';
import type { Outcome, Script, Step } from './path-store.ts';

/** The user `nobody` of most systems; any without rights would do. */
const NOBODY = 65_534;

const script: Script = JSON.parse(process.argv[2] ?? '');
const { [script.store.className]: Store } = await import(script.store.module);
for (const module of script.store.loadsLate) await import(module);
process.umask(0);
if (script.unprivileged && process.getuid?.() === 0) {
  process.setgid?.(NOBODY);
  process.setuid?.(NOBODY);
}

let store: StorageTokenStore | undefined;
const outcomes: Outcome[] = [];
for (const step of script.steps) outcomes.push(await outcomeOf(step));
await store?.close();
process.stdout.write(JSON.stringify(outcomes));

async function outcomeOf(step: Step): Promise<Outcome> {
  try {
    return (await run(step)) ?? 'ok';
  } catch (error) {
    // Anything else is a fault of the store: a program that dies of it shows it.
    if (error instanceof TokenStoreError && error.operation !== undefined) return error.code;
    throw error;
  }
}

async function run(step: Step): Promise<Outcome | undefined> {
  switch (step.do) {
    case 'open':
      store = new Store({ path: step.path });
      return undefined;
    case 'close':
      await store?.close();
      return undefined;
    case 'ready':
      await store?.ready();
      return undefined;
    case 'list':
      return (await store?.getTokens())?.map((token) => token.userSignature?.name ?? '');
    case 'save':
      await store?.saveToken(tokenOf(step.user));
      return undefined;
    case 'save-for-ever':
      for (let n = 0; ; n += 1) {
        await store?.saveToken(tokenOf(`${step.prefix}${n}`));
        writeSync(process.stdout.fd, `${step.prefix}${n}\n`);
      }
    case 'mount':
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', step.folder]);
      return undefined;
    case 'make-read-only':
      execFileSync('mount', ['-o', 'remount,ro', step.folder]);
      return undefined;
    case 'mount-file':
      execFileSync('mount', ['--bind', step.file, step.over]);
      return undefined;
    case 'fill':
      fill(step.file);
      return undefined;
    case 'delete':
      rmSync(step.file);
      return undefined;
  }
}

function tokenOf(user: string): OAuthToken {
  return new OAuthToken({ userSignature: { name: user }, refreshToken: `1000.${user}` });
}

function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(4096));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    closeSync(file);
  }
}
