import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

async function run(call: string, timeLimit: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tokenkeep-keeper-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const program = fileURLToPath(new URL('processes/exiting.ts', import.meta.url));
  const parameters = [program, join(folder, 'tokens.db'), call, String(timeLimit)];
  // Not for as long as the lease lasts.
  const { stdout } = await promisify(execFile)(process.execPath, parameters, { timeout: 20_000 });
  return stdout.trim();
}

test('R10 a refresh that nobody waits for any more keeps no process alive', async () => {
  expect(await run('aborted', 60_000)).toBe('aborted');
});

test('R10 a process does not end while a call waits for another process', async () => {
  expect(await run('awaited', 300)).toBe('new');
});
