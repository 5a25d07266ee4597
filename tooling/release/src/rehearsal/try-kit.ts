import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram, tryProgram } from '../run-program.ts';
import type { Trial } from './try-adapter.ts';

const homemade = join(import.meta.dirname, '../../homemade');

/**
 * Installs the kit in an empty folder, and checks a homemade store with its command, on every Node:
 * one that is right, and one that forgets to delete, which has to be found.
 *
 * @returns what was printed, as lines
 * @throws Error if the kit's verdict is another
 */
export async function tryKit({ folder: parent, env, nodes }: Trial): Promise<string[]> {
  const folder = join(parent, 'kit-npm');
  await mkdir(folder);
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'a-store', version: '1.0.0', private: true, type: 'module' }),
  );
  await cp(homemade, folder, { recursive: true });
  await runProgram('npm', ['install', '@tokenkeep/conformance', '@tokenkeep/core'], {
    cwd: folder,
    env,
    timeout: 240_000,
  });
  const lines: string[] = [];
  for (const { version, path } of nodes) {
    const check = (store: string): ReturnType<typeof tryProgram> =>
      tryProgram('npx', ['--no', 'tokenkeep-conformance', store, '--intensity', 'quick'], {
        cwd: folder,
        env: { ...env, PATH: `${join(path, '..')}:${env['PATH']}` },
      });
    const right = await check('./my-store.js');
    if (right.code !== 0) {
      throw new Error(`the kit refused a store that is right\n${right.stdout}${right.stderr}`);
    }
    const wrong = await check('./forgetful-store.js');
    const found = /\bC9\b/.test(wrong.stdout);
    if (wrong.code !== 1 || !found) {
      throw new Error(`the kit passed a store that is wrong\n${wrong.stdout}${wrong.stderr}`);
    }
    const verdict = right.stdout.trim().split('\n').at(-1);
    lines.push(`Node ${version}: my-store.js: ${verdict}; forgetful-store.js: fails on C9`);
  }
  return lines;
}
