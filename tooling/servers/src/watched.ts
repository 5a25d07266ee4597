import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the watchdog is told, a line each. */
export type Charge =
  | { readonly started: number }
  | { readonly ended: number }
  | { readonly made: string }
  | { readonly removed: string };

/** A temporary folder that is removed even if this process is killed. */
export async function makeWatchedFolder(name: string, parent: string = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(parent, `tokenkeep-${name}-`));
  tellWatchdog({ made: folder });
  return folder;
}

/** Removes a folder that {@link makeWatchedFolder} made. */
export async function removeWatchedFolder(folder: string): Promise<void> {
  await rm(folder, {
    recursive: true,
    force: true,
    maxRetries: 10,
    retryDelay: 50,
  });
  tellWatchdog({ removed: folder });
}

/** Has a child process killed if this process ends before it, were it by SIGKILL. */
export function watchProcess(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  tellWatchdog({ started: pid });
  child.once('exit', () => tellWatchdog({ ended: pid }));
}

let watchdog: ChildProcess | undefined;

function tellWatchdog(charge: Charge): void {
  watchdog ??= startWatchdog();
  watchdog.stdin?.write(`${JSON.stringify(charge)}\n`);
}

function startWatchdog(): ChildProcess {
  const env = { ...process.env };
  // What a test runner adds there (loaders, an inspector) is not for this process.
  delete env['NODE_OPTIONS'];
  const child = spawn(process.execPath, [fileURLToPath(new URL('watchdog.ts', import.meta.url))], {
    // A session of its own, so that Ctrl-C in a terminal doesn't end it with the tests.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env,
  });
  child.unref();
  const input: unknown = child.stdin;
  if (hasUnref(input)) input.unref();
  child.stdin?.on('error', () => {});
  return child;
}

function hasUnref(stream: unknown): stream is { unref(): void } {
  return (
    typeof stream === 'object' &&
    stream !== null &&
    'unref' in stream &&
    typeof stream.unref === 'function'
  );
}
