/** What of a `BigIntStats` is looked at: the types of this package need none of Node's. */
export interface FileStats {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/** Tells one file from another, whatever its name is, as long as one of them exists. */
export function identityOf({ dev, ino }: Pick<FileStats, 'dev' | 'ino'>): string {
  return `${dev} ${ino}`;
}

/** Tells one content of a file from another, where it was not written twice within a tick of the clock. */
export function stampOf(file: FileStats): string {
  return `${identityOf(file)} ${file.size} ${file.mtimeNs}`;
}
