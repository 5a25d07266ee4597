import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const program = fileURLToPath(new URL('programs/make-cached-folder.ts', import.meta.url));
let cache: string;

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'cache-folder-'));
});

afterEach(async () => {
  await rm(cache, { recursive: true });
});

function askForFolder(makingTakesMs: number): ChildProcessByStdio<null, Readable, null> {
  return spawn(process.execPath, [program, String(makingTakesMs)], {
    env: { ...process.env, XDG_CACHE_HOME: cache },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

test('of four processes that want a folder at the same time, one makes it', async () => {
  const printed = await Promise.all(
    [300, 300, 300, 300].map((ms) => text(askForFolder(ms).stdout)),
  );
  const lines = printed.flatMap((lines) => lines.trim().split('\n'));
  expect(lines.filter((line) => line.startsWith('making'))).toHaveLength(1);
  const makers = lines.filter((line) => line.startsWith('made by'));
  expect(makers).toHaveLength(4);
  expect(new Set(makers).size).toBe(1);
});

test('a process killed while it makes a folder leaves none, and the next one makes it', async () => {
  const killed = askForFolder(60_000);
  await once(killed.stdout, 'data');
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  expect(await readdir(join(cache, 'tokenkeep-test-servers'))).not.toContain('of-a-test');

  expect(await text(askForFolder(0).stdout)).toMatch(/^making (\d+)\nmade by \1\n$/);
});
