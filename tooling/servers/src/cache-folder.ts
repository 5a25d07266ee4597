import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where unpacked servers are kept between test runs; safe to delete. */
export function cacheRoot(): string {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(base, 'tokenkeep-test-servers');
}

/**
 * The folder `name` of the cache. The first caller on the machine makes it; others, in this or
 * another process, wait for that. A process that dies while making it leaves nothing under that
 * name.
 */
export async function cachedFolder(
  name: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const root = cacheRoot();
  const folder = join(root, name);
  if (existsSync(folder)) return folder;
  await mkdir(root, { recursive: true });
  const release = await lock(join(root, `${name}.lock`));
  try {
    if (existsSync(folder)) return folder;
    const unfinished = await mkdtemp(join(root, `${name}.unfinished-`));
    try {
      await make(unfinished);
      await rename(unfinished, folder);
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true });
      if (!existsSync(folder)) throw error;
    }
    return folder;
  } finally {
    release();
  }
}

/**
 * Holds a file lock across processes. The kernel gives it up when the holder dies, so there is no
 * stale lock to clear. Where there is no `flock` program two processes may do the same work at
 * once; the rename keeps that harmless, as the second one fails and finds the first one's folder.
 */
async function lock(file: string): Promise<() => void> {
  const holder = spawn('flock', [file, 'sh', '-c', 'echo locked; cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  holder.stdin.on('error', () => {});
  const locked = await Promise.race([
    once(holder.stdout, 'data').then(() => true),
    once(holder, 'exit').then(
      () => false,
      () => false,
    ),
  ]);
  return locked ? () => holder.stdin.end() : () => {};
}
