import { spawn } from 'node:child_process';

/** Where and how a program runs. */
export interface RunOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** After how many milliseconds it is killed. Two minutes if not said. */
  readonly timeout?: number;
}

/** What a program printed, and how it ended. */
export interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, however it ends. Nothing of it is left running after its time. */
export function tryProgram(
  command: string,
  args: readonly string[],
  { cwd, env = process.env, timeout = 120_000 }: RunOptions,
): Promise<Ending> {
  return new Promise((resolve, reject) => {
    // A group of its own, so that what it started ends with it.
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    const killGroup = (): void => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    const timer = setTimeout(() => {
      output.stderr += `\nkilled after ${timeout} ms`;
      killGroup();
    }, timeout);
    process.once('exit', killGroup);
    const settle = (): void => {
      clearTimeout(timer);
      process.off('exit', killGroup);
    };
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('close', (code) => {
      settle();
      resolve({ code, ...output });
    });
  });
}

/**
 * What a program that ends well prints on its standard output.
 *
 * @throws Error with all that it printed, if it ends otherwise
 */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: RunOptions,
): Promise<string> {
  const { code, stdout, stderr } = await tryProgram(command, args, options);
  if (code === 0) return stdout;
  throw new Error(
    `${command} ${args.join(' ')} in ${options.cwd} ended with ${code}\n${stdout}${stderr}`,
  );
}
