import type { BigIntStats } from 'node:fs';

/** Tells one file from another, whatever its name is, as long as one of them exists. */
export function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev} ${ino}`;
}

/** Tells one content of a file from another, where it was not written twice within a tick of the clock. */
export function stampOf(file: BigIntStats): string {
  return `${identityOf(file)} ${file.size} ${file.mtimeNs}`;
}
