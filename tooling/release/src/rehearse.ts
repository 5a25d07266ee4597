// `pnpm release:rehearse`: a release from beginning to end, on a registry of this machine, and what
// its users then install. The work tree stays as it was; all is done in a folder that is removed.
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { publintFindings, typesFindings } from './package-checks.ts';
import { publishedPackages } from './published-packages.ts';
import { ADAPTERS } from './rehearsal/adapters.ts';
import { environmentFor, ownEnvironment } from './rehearsal/environment.ts';
import { INSTALLERS } from './rehearsal/installers.ts';
import { expectedMoves, movesBetween } from './rehearsal/moves.ts';
import { fetchNodes } from './rehearsal/node-versions.ts';
import { startRegistry } from './rehearsal/registry.ts';
import {
  addChangeset,
  publish,
  type Versions,
  versionAndBuild,
  versionsAt,
  versionsIn,
} from './rehearsal/release.ts';
import { type Trial, tryAdapter, tryUpdate } from './rehearsal/try-adapter.ts';
import { tryKit } from './rehearsal/try-kit.ts';
import { copyWorkTree, workTreeState } from './rehearsal/work-tree.ts';
import { runProgram } from './run-program.ts';
import { SIZE_BUDGETS } from './size-budgets.ts';
import { pack } from './tarball.ts';

const { values } = parseArgs({ options: { only: { type: 'string', multiple: true } } });
const adapters = ADAPTERS.filter(({ name }) => values.only?.includes(name) ?? true);
if (adapters.length === 0) {
  console.error(`--only takes one of ${ADAPTERS.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}

const root = join(import.meta.dirname, '../../..');
const start = performance.now();
const folder = await mkdtemp(join(tmpdir(), 'tokenkeep-rehearsal-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
// Ctrl-C is an end too: what was started is killed as the process exits.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1));
}
try {
  const before = await workTreeState(root);
  await rehearse();
  if ((await workTreeState(root)) !== before) {
    throw new Error('the work tree is not as it was: see `git status`.');
  }
  heading('Done');
  console.log('the work tree is as it was');
} catch (error) {
  console.error(error instanceof Error ? `\nThe rehearsal failed: ${error.message}` : error);
  process.exitCode = 1;
}

async function rehearse(): Promise<void> {
  const copy = join(folder, 'copy');
  const asked = await runProgram('npm', ['config', 'get', 'registry'], {
    cwd: root,
    env: ownEnvironment(),
  });
  const registry = await startRegistry(folder, asked.trim());
  try {
    const env = environmentFor(registry.url, folder);
    heading('First release');
    await copyWorkTree(root, copy);
    await runProgram('pnpm', ['install', '--frozen-lockfile'], {
      cwd: copy,
      env: ownEnvironment(),
      timeout: 300_000,
    });
    const names = [...versionsIn(copy).keys()];
    await release(copy, registry.url, env, new Map());
    await printPackages(copy);

    heading('What users install');
    const trial: Trial = {
      folder,
      env: { ...env, CLOSED_PORT: String(await closedPort()) },
      nodes: await fetchNodes(folder, env),
      tsc: join(root, 'node_modules/.bin/tsc'),
    };
    await tryAll(trial);

    for (const [name, step] of [
      ['@tokenkeep/core', 'minor'],
      ['@tokenkeep/redis', 'patch'],
    ] as const) {
      heading(`A release after a ${step} change of ${name}`);
      const published = await versionsAt(registry.url, names);
      const expected = expectedMoves(publishedPackages(copy), name, step);
      addChangeset(copy, name, step);
      const versions = await release(copy, registry.url, env, published);
      const moves = movesBetween(published, versions);
      const same =
        moves.size === expected.size &&
        [...moves].every(([moved, how]) => expected.get(moved) === how);
      if (!same) {
        throw new Error(`moved: ${[...moves].join(' ')}; expected: ${[...expected].join(' ')}`);
      }
      const unmoved = names.filter((other) => !moves.has(other));
      console.log(`did not move: ${unmoved.join(', ') || 'none'}`);
      if (step === 'minor') await updateAll(trial);
    }
  } finally {
    registry.close();
  }
}

/** Versions, builds and publishes; prints what the registry has that it did not have before. */
async function release(
  copy: string,
  registry: string,
  env: NodeJS.ProcessEnv,
  published: Versions,
): Promise<Versions> {
  await versionAndBuild(copy);
  await publish(copy, env);
  const meant = versionsIn(copy);
  const versions = await versionsAt(registry, meant.keys());
  for (const [name, version] of meant) {
    if (versions.get(name) !== version) {
      throw new Error(
        `${name}@${version} was not published: ${versions.get(name) ?? 'nothing'} is`,
      );
    }
    const old = published.get(name);
    if (old !== version) {
      console.log(`published ${name}@${version}${old === undefined ? '' : ` (was ${old})`}`);
    }
  }
  return versions;
}

async function printPackages(copy: string): Promise<void> {
  heading('Packages: bytes, publint, types');
  for (const source of publishedPackages(copy)) {
    const tarball = await pack(source, join(folder, 'packed'));
    const { name } = source.manifest;
    const budget = SIZE_BUDGETS[name];
    const findings = {
      publint: await publintFindings(tarball),
      attw: await typesFindings(tarball),
    };
    console.log(
      `${name}: ${tarball.packedBytes} packed of ${budget?.packed}, ` +
        `${tarball.unpackedBytes} unpacked of ${budget?.unpacked}, ${tarball.files.length} files; ` +
        `publint: ${findings.publint.join('; ') || 'no findings'}; ` +
        `attw (ESM only): ${findings.attw.join('; ') || 'no findings'}`,
    );
    if (findings.publint.length + findings.attw.length > 0) throw new Error(`${name}: see above`);
  }
}

/** Each adapter with each installer, and the kit, as many at once as there are processors. */
async function tryAll(trial: Trial): Promise<void> {
  const trials = [
    ...adapters.flatMap((adapter) =>
      INSTALLERS.map((installer) => ({
        title: `${installer.name}: @tokenkeep/${adapter.name}`,
        run: () => tryAdapter(adapter, installer, trial),
      })),
    ),
    { title: 'npm: @tokenkeep/conformance', run: () => tryKit(trial) },
  ].values();
  const work = async (): Promise<void> => {
    for (const { title, run } of trials) {
      const lines = await run();
      console.log([title, ...lines.map((line) => `  ${line}`)].join('\n'));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
}

/** What an app that was made before this release gets from it. One Node will do: it is about types. */
async function updateAll(trial: Trial): Promise<void> {
  for (const adapter of adapters) {
    const lines = await tryUpdate(adapter, { ...trial, nodes: trial.nodes.slice(0, 1) });
    console.log(
      [`npm: @tokenkeep/${adapter.name}`, ...lines.map((line) => `  ${line}`)].join('\n'),
    );
  }
}

/** A port of this machine that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('there is no free port');
  return address.port;
}

function heading(title: string): void {
  console.log(`\n=== ${title} (${Math.round((performance.now() - start) / 1000)} s) ===`);
}
