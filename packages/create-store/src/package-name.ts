import validatePackageName from 'validate-npm-package-name';
import { UsageError } from './usage-error.ts';

/** A name, as each place needs it. */
export interface PackageName {
  /** Of the package and its module: `my-store`. */
  readonly kebab: string;
  /** Of the class: `MyStore`. */
  readonly pascal: string;
}

/**
 * The names for what is in a folder.
 *
 * @throws UsageError if no package of npm can have that name
 */
export function nameFor(folder: string): PackageName {
  const { validForNewPackages, errors = [], warnings = [] } = validatePackageName(folder);
  if (!validForNewPackages) {
    const why = [...errors, ...warnings].join(', ');
    throw new UsageError(`${JSON.stringify(folder)} can be no package: ${why}; try my-store`);
  }
  const pascal = folder
    .split(/[^a-z0-9]+/i)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
  if (!/^[A-Z]/.test(pascal)) {
    throw new UsageError(`${JSON.stringify(folder)} has to begin with a letter; try my-store`);
  }
  return { kebab: folder, pascal };
}
