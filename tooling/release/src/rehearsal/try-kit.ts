import { cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Report } from '@tokenkeep/conformance';
import { runProgram, tryProgram } from '../run-program.ts';
import type { Trial } from './try-adapter.ts';

const homemade = join(import.meta.dirname, '../../homemade');

/**
 * Installs the kit in an empty folder, and checks a homemade store with its command, on every Node:
 * one that is right, and one that forgets which version to delete, which has to be found.
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
    const kitEnv = { ...env, PATH: `${dirname(path)}:${env['PATH']}` };
    const printed = await runProgram('npx', ['--no', '-c', 'node --version'], {
      cwd: folder,
      env: kitEnv,
    });
    if (printed.trim() !== `v${version}`) throw new Error(`npx runs Node ${printed.trim()}`);
    const check = async (store: string): Promise<Verdict> => {
      const args = ['--no', 'tokenkeep-conformance', store, '--intensity', 'quick'];
      const { code, stdout, stderr } = await tryProgram('npx', [...args, '--reporter', 'json'], {
        cwd: folder,
        env: kitEnv,
      });
      if (code !== 0 && code !== 1) throw new Error(`the kit ended with ${code}: ${stderr}`);
      return { code, report: JSON.parse(stdout) };
    };
    const right = await check('./my-store.js');
    const wrong = await check('./forgetful-store.js');
    if (right.code !== 0 || failedClauses(right).length > 0) {
      throw new Error(`the kit refused a store that is right: ${failedClauses(right)}`);
    }
    if (wrong.code !== 1 || !failedClauses(wrong).includes('V4')) {
      throw new Error(`the kit did not find what is wrong, only: ${failedClauses(wrong)}`);
    }
    const levels = Object.entries(right.report.levels).map((level) => level.join(' '));
    lines.push(
      `Node ${version}: my-store.js keeps its promises: ${levels.join(', ')}; ` +
        `forgetful-store.js breaks ${failedClauses(wrong).join(', ')}`,
    );
  }
  return lines;
}

/** How the kit's command ended, and what it reported as JSON. */
export interface Verdict {
  readonly code: number;
  readonly report: Pick<Report, 'levels' | 'clauses'>;
}

export function failedClauses({ report }: Verdict): string[] {
  return report.clauses.filter(({ status }) => status === 'failed').map(({ clause }) => clause);
}
