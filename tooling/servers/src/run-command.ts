import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/**
 * Runs a command to its end and gives what it printed.
 *
 * @throws Error with the command's name, exit code and last lines, if it fails.
 */
export async function runCommand(
  command: readonly [string, ...string[]],
  options: { readonly stdin?: string } = {},
): Promise<string> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  // A command that ends before it has read its input is judged by its exit code.
  child.stdin.on('error', () => {});
  child.stdin.end(options.stdin ?? '');
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) {
    const lastLines = `${stdout}\n${stderr}`.trim().split('\n').slice(-8).join('\n');
    throw new Error(`\`${program}\` ended with ${code}: ${lastLines}`);
  }
  return stdout;
}
