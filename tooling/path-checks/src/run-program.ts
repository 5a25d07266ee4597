import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Outcome, Script } from './path-store.ts';

const program = fileURLToPath(new URL('program.ts', import.meta.url));

/** Runs a script in a process of its own, which must end well. */
export async function runProgram(script: Script): Promise<Outcome[]> {
  const node = [process.execPath, ...argumentsOf(script)];
  const mounts = script.steps.some((step) => step.do.startsWith('mount'));
  // What is mounted in a namespace of mounts is gone with the process. Who is no administrator gets
  // a namespace of users too, and is one in there.
  const command = mounts ? ['unshare', '--mount', ...asAdministrator(), '--', ...node] : node;
  const [file = '', ...args] = command;
  const { stdout } = await promisify(execFile)(file, args, { timeout: 60_000 });
  return JSON.parse(stdout);
}

function asAdministrator(): string[] {
  return process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
}

/** Runs a script that saves for ever, kills its process after some saves, and gives those that were acknowledged. */
export async function runAndKill(script: Script, saves: number): Promise<string[]> {
  const child = spawn(process.execPath, argumentsOf(script), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const acknowledged: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    acknowledged.push(line);
    if (acknowledged.length === saves) child.kill('SIGKILL');
  }
  await ended;
  return acknowledged;
}

function argumentsOf(script: Script): string[] {
  return ['--conditions=@tokenkeep/source', '--no-warnings', program, JSON.stringify(script)];
}
