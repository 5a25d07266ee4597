import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../run-program.ts';

/** A program that installs packages. */
export interface Installer {
  readonly name: string;
  /** Installs packages in a folder that has a package.json and nothing else. */
  install(folder: string, packages: readonly string[], env: NodeJS.ProcessEnv): Promise<void>;
  /** The name of every package that is installed in the folder, however deep. */
  installed(folder: string, env: NodeJS.ProcessEnv): Promise<ReadonlySet<string>>;
}

const timeout = 240_000;

const npm: Installer = {
  name: 'npm',
  async install(folder, packages, env) {
    await runProgram('npm', ['install', ...packages], { cwd: folder, env, timeout });
  },
  async installed(folder, env) {
    const json = await runProgram('npm', ['ls', '--all', '--json'], { cwd: folder, env });
    return namesIn([JSON.parse(json)]);
  },
};

const pnpm: Installer = {
  name: 'pnpm',
  async install(folder, packages, env) {
    // What was published a second ago is too new for pnpm, which waits for a day. Install scripts of
    // drivers' dependencies stay unrun, as they do with pnpm's own settings, but are no error.
    await writeFile(
      join(folder, 'pnpm-workspace.yaml'),
      'minimumReleaseAge: 0\nstrictDepBuilds: false\n',
    );
    await runProgram('pnpm', ['add', ...packages], { cwd: folder, env, timeout });
  },
  async installed(folder, env) {
    const args = ['ls', '--depth', 'Infinity', '--json'];
    return namesIn(JSON.parse(await runProgram('pnpm', args, { cwd: folder, env })));
  },
};

const yarnProgram = join(
  dirname(fileURLToPath(import.meta.resolve('@yarnpkg/cli-dist/package.json'))),
  'bin/yarn.js',
);

const yarn: Installer = {
  name: 'yarn',
  async install(folder, packages, env) {
    await writeFile(
      join(folder, '.yarnrc.yml'),
      [
        'nodeLinker: node-modules',
        // The registry is on this machine, and what is in it is a second old.
        'unsafeHttpWhitelist: ["127.0.0.1"]',
        'npmMinimalAgeGate: 0',
        'enableTelemetry: false',
        // Elsewhere yarn may not change its lockfile where it believes to be in CI.
        'enableImmutableInstalls: false',
        '',
      ].join('\n'),
    );
    // Without it, yarn takes the folder for a part of a project further up.
    await writeFile(join(folder, 'yarn.lock'), '');
    await runProgram(process.execPath, [yarnProgram, 'add', ...packages], {
      cwd: folder,
      env,
      timeout,
    });
  },
  async installed(folder, env) {
    const args = [yarnProgram, 'info', '--all', '--recursive', '--name-only', '--json'];
    const lines = await runProgram(process.execPath, args, { cwd: folder, env });
    const locators: string[] = lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    return new Set(locators.map((locator) => locator.slice(0, locator.indexOf('@', 1))));
  },
};

/** The programs that users install with. */
export const INSTALLERS: readonly Installer[] = [npm, pnpm, yarn];

interface Tree {
  readonly dependencies?: Readonly<Record<string, Tree>>;
}

function namesIn(trees: readonly Tree[]): Set<string> {
  const names = new Set<string>();
  const visit = ({ dependencies = {} }: Tree): void => {
    for (const [name, tree] of Object.entries(dependencies)) {
      names.add(name);
      visit(tree);
    }
  };
  for (const tree of trees) visit(tree);
  return names;
}
