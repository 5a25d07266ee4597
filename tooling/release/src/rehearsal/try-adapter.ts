import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../run-program.ts';
import { ADAPTERS, type Adapter } from './adapters.ts';
import type { Installer } from './installers.ts';
import type { NodeVersion } from './node-versions.ts';
import { expectedLine, programs } from './programs.ts';

/** What all trials have in common. */
export interface Trial {
  /** A folder outside of any project, where folders are made. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly nodes: readonly NodeVersion[];
  /** The path of the TypeScript compiler's program. */
  readonly tsc: string;
}

/** The settings of TypeScript that users have, by the name of `moduleResolution`. */
const TYPESCRIPT: Readonly<Record<string, readonly string[]>> = {
  node16: ['--module', 'node16'],
  nodenext: ['--module', 'nodenext'],
  bundler: ['--module', 'esnext', '--moduleResolution', 'bundler'],
};

/**
 * Installs one adapter in an empty folder and runs a small program that uses it, from ES modules,
 * CommonJS and TypeScript, on every Node.
 *
 * @returns what was installed and printed, as lines
 * @throws Error if any of it did not do what it should
 */
export async function tryAdapter(
  adapter: Adapter,
  installer: Installer,
  trial: Trial,
): Promise<string[]> {
  const { folder: parent, env } = trial;
  const folder = join(parent, `${adapter.name}-${installer.name}`);
  await mkdir(folder);
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'an-app', version: '1.0.0', private: true, type: 'module' }),
  );
  const names = [`@tokenkeep/${adapter.name}`, '@tokenkeep/core'];
  await installer.install(folder, [...names, '@types/node@^22.18.0'], env);

  const installed = await installer.installed(folder, env);
  const drivers = ADAPTERS.flatMap(({ driver }) => driver ?? []).filter((d) => installed.has(d));
  const expected = adapter.driver === null ? [] : [adapter.driver];
  if (drivers.join() !== expected.join() || !names.every((name) => installed.has(name))) {
    throw new Error(`in ${folder}, the drivers installed are ${drivers.join(', ') || 'none'}`);
  }

  for (const [file, text] of Object.entries(programs(adapter))) {
    await writeFile(join(folder, file), text);
  }
  return [
    `installed ${installed.size} packages, of drivers ${drivers.join() || 'none'}`,
    ...(await runPrograms(adapter, folder, trial)),
  ];
}

/**
 * Updates the packages in a folder of {@link tryAdapter} as its user would, first within the ranges
 * of its package.json and then to the latest, and runs the programs again after each.
 *
 * @returns what was printed, as lines
 * @throws Error if there is more than one copy of core, or a program did not do what it should
 */
export async function tryUpdate(adapter: Adapter, trial: Trial): Promise<string[]> {
  const folder = join(trial.folder, `${adapter.name}-npm`);
  const options = { cwd: folder, env: trial.env, timeout: 240_000 };
  const latest = [`@tokenkeep/${adapter.name}@latest`, '@tokenkeep/core@latest'];
  const lines: string[] = [];
  for (const args of [['update'], ['install', ...latest]]) {
    await runProgram('npm', args, options);
    const names = [`@tokenkeep/${adapter.name}`, '@tokenkeep/core'];
    const listed = await runProgram('npm', ['ls', ...names, '--parseable', '--long'], options);
    const copies = [...new Set(listed.match(/@tokenkeep\/[\w-]+@[\w.-]+/g))].toSorted();
    if (copies.filter((copy) => copy.startsWith('@tokenkeep/core@')).length !== 1) {
      throw new Error(`npm ${args.join(' ')} in ${folder} installed ${copies.join(', ')}`);
    }
    lines.push(`npm ${args.join(' ')}: ${copies.join(', ')}`);
    lines.push(...(await runPrograms(adapter, folder, trial)));
  }
  return lines;
}

/** Compiles and runs the programs of an adapter that stand in a folder. */
async function runPrograms(
  adapter: Adapter,
  folder: string,
  { env, nodes, tsc }: Trial,
): Promise<string[]> {
  for (const [name, settings] of Object.entries(TYPESCRIPT)) {
    const common = ['--strict', '--target', 'es2023', '--types', 'node', '--lib'];
    const args = [...common, 'es2023,esnext.disposable', '--outDir', `built-${name}`];
    await runProgram(tsc, [...args, ...settings, 'program.ts'], { cwd: folder, env });
  }
  const ways = {
    'ES module': 'program.mjs',
    CommonJS: 'program.cjs',
    ...Object.fromEntries(
      Object.keys(TYPESCRIPT).map((name) => [`TypeScript ${name}`, `built-${name}/program.js`]),
    ),
  };
  const lines: string[] = [];
  for (const { version, path } of nodes) {
    const printed = new Map<string, string[]>();
    for (const [way, file] of Object.entries(ways)) {
      const line = (await runProgram(path, [file], { cwd: folder, env, timeout: 60_000 })).trim();
      if (!expectedLine(adapter).test(line)) {
        throw new Error(`${file} in ${folder} on Node ${version} printed: ${line}`);
      }
      printed.set(line, [...(printed.get(line) ?? []), way]);
    }
    for (const [line, by] of printed) lines.push(`Node ${version}: ${line} (${by.join(', ')})`);
  }
  return lines;
}
