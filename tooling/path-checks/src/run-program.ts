import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Outcome, Script } from './path-store.ts';

const program = fileURLToPath(new URL('program.ts', import.meta.url));

/** Runs a script in a process of its own, which must end well. */
export async function runProgram(script: Script): Promise<Outcome[]> {
  const node = [
    process.execPath,
    '--conditions=@tokenkeep/source',
    '--no-warnings',
    program,
    JSON.stringify(script),
  ];
  const mounts = script.steps.some((step) => step.do === 'mount');
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
