import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { TokenStoreError } from '@tokenkeep/core';
import { driverCodeOf } from '@tokenkeep/core/adapter';
import { MemorySpace } from '@tokenkeep/memory';
import { type FileContent, formatFile, HEAD_BYTES, parseFile } from './file-format.ts';
import { replaceFile } from './replace-file.ts';

/** What was read from the file, and how to tell whether it is still what stands there. */
interface Snapshot {
  readonly stamp: string;
  readonly space: MemorySpace;
}

const NO_FILE = 'no file';
const NO_RECORDS: FileContent = { revision: '', deletedVersion: 0, records: [] };

/** A file of records, read again whenever it changed. */
export class TokenFile {
  readonly #path: string;
  #snapshot: Snapshot | undefined;

  /** @param path the file itself, not a link to it */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * The records that stand in the file now. To change them is to be followed by `write` or `forget`.
   *
   * @throws TokenStoreError as `parseFile` says
   */
  read(): MemorySpace {
    // Nothing is awaited: the file is opened once, so it is one file that is read.
    const descriptor = this.#openFile();
    if (descriptor === undefined) return this.#take(NO_FILE, () => NO_RECORDS);
    try {
      return this.#take(stampOf(descriptor), () => parseFile(this.#path, readFileSync(descriptor)));
    } finally {
      closeSync(descriptor);
    }
  }

  /** Puts records that `read` gave, and that were changed, into the file. */
  async write(space: MemorySpace): Promise<void> {
    this.#snapshot = undefined;
    await this.#requireWritable();
    const text = formatFile({
      revision: randomBytes(16).toString('hex'),
      deletedVersion: space.deletedVersion,
      records: [...space.pages()].flat(),
    });
    await replaceFile(this.#path, text);
    // Nobody else writes while we have the lock, so this is what was written.
    const descriptor = this.#openFile();
    if (descriptor === undefined) return;
    try {
      this.#snapshot = { stamp: stampOf(descriptor), space };
    } finally {
      closeSync(descriptor);
    }
  }

  /** Drops what was read: the next `read` takes it from the file. */
  forget(): void {
    this.#snapshot = undefined;
  }

  #take(stamp: string, read: () => FileContent): MemorySpace {
    if (this.#snapshot?.stamp === stamp) return this.#snapshot.space;
    const { deletedVersion, records } = read();
    const space = new MemorySpace(deletedVersion);
    for (const record of records) space.put(record);
    this.#snapshot = { stamp, space };
    return space;
  }

  #openFile(): number | undefined {
    try {
      return openSync(this.#path, 'r');
    } catch (error) {
      if (driverCodeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** To replace a file takes no right to write to it; who took that right away meant it. */
  async #requireWritable(): Promise<void> {
    try {
      await access(this.#path, constants.W_OK);
    } catch (error) {
      const driverCode = driverCodeOf(error);
      if (driverCode === 'ENOENT') return;
      if (driverCode !== 'EACCES' && driverCode !== 'EPERM') throw error;
      throw new TokenStoreError(
        'READ_ONLY',
        `The file ${JSON.stringify(this.#path)} may be read but not written. Make it writable, or give another path; nothing was changed.`,
        { driverCode },
      );
    }
  }
}

/**
 * Tells one content from another. The revision does for what we write ourselves: the number of a
 * file that was replaced is used again at once, and clocks of file systems stand still for
 * milliseconds. The others are for a file that was edited by hand.
 */
function stampOf(descriptor: number): string {
  const { ino, size, mtimeNs } = fstatSync(descriptor, { bigint: true });
  const head = Buffer.alloc(HEAD_BYTES);
  const length = readSync(descriptor, head, 0, HEAD_BYTES, 0);
  return `${ino} ${size} ${mtimeNs} ${head.toString('latin1', 0, length)}`;
}
