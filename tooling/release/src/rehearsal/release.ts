import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publishedPackages } from '../published-packages.ts';
import { runProgram } from '../run-program.ts';
import { ownEnvironment } from './environment.ts';

/** The version of each package, by its name. */
export type Versions = ReadonlyMap<string, string>;

/** The versions that stand in the package.json files. */
export function versionsIn(copy: string): Versions {
  return new Map(publishedPackages(copy).map(({ manifest }) => [manifest.name, manifest.version]));
}

/** Adds a changeset for one package. */
export function addChangeset(copy: string, name: string, step: 'minor' | 'patch'): void {
  const file = join(copy, '.changeset', `rehearsal-${step}.md`);
  writeFileSync(file, `---\n"${name}": ${step}\n---\n\nA change to rehearse with.\n`);
}

/** Turns what changesets are pending into versions, and builds. */
export async function versionAndBuild(copy: string): Promise<void> {
  const options = { cwd: copy, env: ownEnvironment(), timeout: 300_000 };
  const pending = readdirSync(join(copy, '.changeset')).filter(
    (name) => name.endsWith('.md') && name !== 'README.md',
  );
  // Without one, what stands in the package.json files is what a release would publish.
  if (pending.length > 0) await runProgram('pnpm', ['run', 'version-packages'], options);
  await runProgram('pnpm', ['run', 'build'], options);
}

/** Publishes what the registry does not have yet. */
export async function publish(copy: string, env: NodeJS.ProcessEnv): Promise<void> {
  // Not by pnpm, which takes another registry for a reason to install again.
  const changeset = join(copy, 'node_modules/.bin/changeset');
  await runProgram(changeset, ['publish'], { cwd: copy, env, timeout: 300_000 });
}

/** The latest version of each package that the registry has; those that it lacks are left out. */
export async function versionsAt(registry: string, names: Iterable<string>): Promise<Versions> {
  const versions = new Map<string, string>();
  for (const name of names) {
    const response = await fetch(new URL(name.replace('/', '%2f'), registry));
    if (response.status === 404) continue;
    const { 'dist-tags': tags }: { 'dist-tags': { latest: string } } = JSON.parse(
      await response.text(),
    );
    versions.set(name, tags.latest);
  }
  return versions;
}
