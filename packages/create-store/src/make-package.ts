import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PackageName } from './package-name.ts';
import { UsageError } from './usage-error.ts';

const TEMPLATE = fileURLToPath(new URL('../template/', import.meta.url));
/** Files that npm would not pack, or take for its own, under the names that they get. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ['_gitignore', '.gitignore'],
  ['_package.json', 'package.json'],
]);
const OWN_MANIFEST = new URL('../package.json', import.meta.url);

/**
 * Writes the files of a new package into a folder, which is made where it is missing.
 *
 * @returns the paths of the files
 * @throws UsageError if there is something in the folder already
 */
export async function makePackage(folder: string, name: PackageName): Promise<string[]> {
  await requireEmpty(folder);
  // Dependencies, though the command does not use them: so it is published again when they are.
  const { dependencies } = JSON.parse(await readFile(OWN_MANIFEST, 'utf8'));
  const fill = (text: string): string =>
    text
      .replaceAll('my-store', name.kebab)
      .replaceAll('MyStore', name.pascal)
      .replaceAll(
        /"(@tokenkeep\/\w+)": "\*"/g,
        (_all, dependency: string) =>
          // In a checkout the versions are those of the workspace, which npm does not know.
          `"${dependency}": "${String(dependencies[dependency]).replace(/^workspace:.*/, '*')}"`,
      );
  const written: string[] = [];
  for (const entry of await readdir(TEMPLATE, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath, entry.name);
    const path = relative(TEMPLATE, source);
    const target = join(folder, fill(RENAMED.get(path) ?? path));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, fill(await readFile(source, 'utf8')), { flag: 'wx' });
    written.push(target);
  }
  return written.toSorted();
}

async function requireEmpty(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch(() => {
    throw new UsageError(`the folder ${folder} can't be made`);
  });
  if ((await readdir(folder)).length > 0) {
    throw new UsageError(`there is something in ${folder}: name a folder that is new or empty`);
  }
}
