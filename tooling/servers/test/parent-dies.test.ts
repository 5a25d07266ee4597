import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { until } from '../src/index.ts';

const program = fileURLToPath(new URL('programs/start-and-wait.ts', import.meta.url));

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'servers and their folders are gone after the process that started them got %s',
  async (signal) => {
    const temporary = await mkdtemp(join(tmpdir(), 'parent-dies-'));
    const parent = spawn(process.execPath, [program], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(parent.stdout, 'data');
    const ports: number[] = JSON.parse(String(line));
    expect(ports).toHaveLength(3);
    expect(await Promise.all(ports.map(listens))).toEqual([true, true, true]);
    expect(await readdir(temporary)).toHaveLength(3);

    parent.kill(signal);
    await until('no server listens any more', async () => {
      return !(await Promise.all(ports.map(listens))).includes(true);
    });
    await until('their folders are gone', async () => (await readdir(temporary)).length === 0);
    await rm(temporary, { recursive: true });
  },
);
