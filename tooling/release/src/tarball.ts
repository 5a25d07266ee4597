import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type Manifest, readManifest } from './manifest.ts';
import type { PublishedPackage } from './published-packages.ts';
import { runProgram } from './run-program.ts';

/** A package as npm gets it. */
export interface Tarball {
  readonly path: string;
  /** Where it is unpacked. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** The paths in it, sorted. */
  readonly files: readonly string[];
  readonly packedBytes: number;
  readonly unpackedBytes: number;
}

/** Packs a package, which has been built, and unpacks it: both in a folder that may be missing. */
export async function pack(source: PublishedPackage, into: string): Promise<Tarball> {
  const target = join(into, source.shortName);
  await mkdir(target, { recursive: true });
  const packed = await runProgram('pnpm', ['pack', '--json', '--pack-destination', target], {
    cwd: source.folder,
  });
  const { filename }: { filename: string } = JSON.parse(packed);
  await runProgram('tar', ['-xzf', filename, '-C', target], { cwd: target });
  const folder = join(target, 'package');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name));
  const sizes = await Promise.all(paths.map(async (path) => (await readFile(path)).byteLength));
  return {
    path: filename,
    folder,
    manifest: readManifest(folder),
    files: paths.map((path) => relative(folder, path).replaceAll('\\', '/')).toSorted(),
    packedBytes: (await stat(filename)).size,
    unpackedBytes: sizes.reduce((sum, size) => sum + size, 0),
  };
}
