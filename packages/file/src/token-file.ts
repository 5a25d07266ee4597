import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { TokenStoreError } from '@tokenkeep/core';
import { driverCodeOf } from '@tokenkeep/core/adapter';
import { requireUsable, resolvePath } from '@tokenkeep/core/adapter/file';
import { MemorySpace } from '@tokenkeep/memory';
import { type FileContent, formatFile, HEAD_BYTES, parseFile } from './file-format.ts';
import { replaceFile } from './replace-file.ts';

/** What was read from the file, and how to tell whether it is still what stands there. */
interface Snapshot {
  readonly stamp: string;
  readonly space: MemorySpace;
}

/** With more, a save takes a tenth of a second and more. */
const MANY_RECORDS = 10_000;
const NO_FILE = 'no file';
const NO_RECORDS: FileContent = { revision: '', deletedVersion: 0, records: [] };

/** A file of records, read again whenever it changed. */
export class TokenFile {
  readonly #path: string;
  #snapshot: Snapshot | undefined;
  #hasWarned = false;

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

  /**
   * @throws TokenStoreError `PATH_UNUSABLE` if the path leads elsewhere than when it was opened: a
   *   folder was replaced by a link
   */
  async requireSamePlace(): Promise<void> {
    if ((await resolvePath(this.#path)) === this.#path) return;
    throw new TokenStoreError(
      'PATH_UNUSABLE',
      `A folder on the way to ${JSON.stringify(this.#path)} was replaced by a link while the store was open. Close the store and open a new one; nothing was saved.`,
    );
  }

  /** Puts records that `read` gave, and that were changed, into the file. */
  async write(space: MemorySpace): Promise<void> {
    this.#snapshot = undefined;
    await this.#requireWritable();
    const records = [...space.pages()].flat();
    const text = formatFile({
      revision: randomBytes(16).toString('hex'),
      deletedVersion: space.deletedVersion,
      records,
    });
    this.#warnOfMany(records.length);
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
    if (!(await requireUsable(this.#path))) return;
    try {
      await access(this.#path, constants.W_OK);
    } catch (error) {
      const driverCode = driverCodeOf(error);
      if (driverCode !== 'EACCES' && driverCode !== 'EPERM') throw error;
      throw new TokenStoreError(
        'READ_ONLY',
        `The file ${JSON.stringify(this.#path)} may be read but not written. Make it writable, or give another path; nothing was changed.`,
        { driverCode },
      );
    }
    const { uid } = await stat(this.#path);
    const user = process.geteuid?.() ?? uid;
    if (user !== uid && user !== 0) {
      throw new TokenStoreError(
        'ACCESS_DENIED',
        `The file ${JSON.stringify(this.#path)} belongs to another user, and a save, which writes it anew, could not give it back. Run as that user, or use @tokenkeep/sqlite, whose files a group can share; nothing was changed.`,
      );
    }
  }

  #warnOfMany(count: number): void {
    if (count <= MANY_RECORDS || this.#hasWarned) return;
    this.#hasWarned = true;
    process.emitWarning(
      `The file ${JSON.stringify(this.#path)} has ${count} records, and each save writes all of them. Use @tokenkeep/sqlite for more than ${MANY_RECORDS}.`,
      { code: 'TOKENKEEP_FILE_RECORDS' },
    );
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
