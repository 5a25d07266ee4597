import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Manifest, readManifest } from './manifest.ts';

/** A package of the workspace that is published. */
export interface PublishedPackage {
  /** Its name without the scope: `sqlite`. */
  readonly shortName: string;
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Every package that a release publishes, of the workspace in this folder. */
export function publishedPackages(root: string): PublishedPackage[] {
  return readdirSync(join(root, 'packages'))
    .map((shortName) => {
      const folder = join(root, 'packages', shortName);
      return { shortName, folder, manifest: readManifest(folder) };
    })
    .filter(({ manifest }) => manifest.private !== true);
}
