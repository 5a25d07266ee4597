import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TokenStoreError } from '@tokenkeep/core';
import {
  driverCodeOf,
  EventLoopTurn,
  HEAD_BYTES,
  type MaybePromise,
  type Snapshot,
  type SnapshotSource,
  STALE,
} from '@tokenkeep/core/adapter';
import {
  fileFailure,
  requireUsable,
  resolvePath,
  stampOf,
  whyNotWritable,
} from '@tokenkeep/core/adapter/file';
import { FileLock, loadTryLock } from './file-lock.ts';
import { replaceFile } from './replace-file.ts';

/** With more, a save takes a tenth of a second and more. */
const MANY_RECORDS = 10_000;
const NO_FILE = 'no file';

/** All stores of a process: it has one event loop. */
const turn = new EventLoopTurn();

interface Opened {
  /** The file itself, not a link to it. */
  readonly path: string;
  readonly lock: FileLock;
}

/** A file that is replaced as a whole, by one process at a time. */
export class FileSource implements SnapshotSource {
  readonly place: string;
  readonly #path: string;
  readonly #timeout: number;
  #opened: Opened | undefined;
  #hasWarned = false;

  /** @param timeout how long to wait for another process that is writing: milliseconds */
  constructor(path: string, timeout: number) {
    this.place = `the file ${JSON.stringify(path)}`;
    this.#path = path;
    this.#timeout = timeout;
  }

  async open(): Promise<void> {
    const path = await resolvePath(this.#path);
    // Says what would be in the way of the first save.
    if (!(await requireUsable(path))) await access(dirname(path), constants.W_OK | constants.X_OK);
    const lock = new FileLock(`${path}.lock`, this.#timeout, await loadTryLock());
    this.#opened = { path, lock };
  }

  read(tag: string | undefined): MaybePromise<Snapshot | undefined> {
    return turn.run(() => this.#read(tag));
  }

  async replace(text: string, tag: string): Promise<string | typeof STALE> {
    const { path } = this.#open;
    await requireWritable(path);
    // By hand: no other store writes while we have the lock.
    if (stampAt(path) !== tag) return STALE;
    this.#warnOfMany(text);
    await replaceFile(path, text);
    return stampAt(path);
  }

  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const { path, lock } = this.#open;
    if ((await resolvePath(path)) !== path) {
      throw new TokenStoreError(
        'PATH_UNUSABLE',
        `A folder on the way to ${JSON.stringify(path)} was replaced by a link while the store was open. Close the store and open a new one; nothing was saved.`,
      );
    }
    return lock.whileHeld(work);
  }

  close(): void {
    this.#opened = undefined;
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return fileFailure(error, this.#path);
  }

  get #open(): Opened {
    if (this.#opened === undefined) throw new Error('the file is not open');
    return this.#opened;
  }

  /** Nothing is awaited: the file is opened once, so it is one file that is read. */
  #read(tag: string | undefined): Snapshot | undefined {
    const descriptor = openFile(this.#open.path);
    if (descriptor === undefined) {
      return tag === NO_FILE ? undefined : { tag: NO_FILE, bytes: null };
    }
    try {
      const stamp = stampIn(descriptor);
      return stamp === tag ? undefined : { tag: stamp, bytes: readFileSync(descriptor) };
    } finally {
      closeSync(descriptor);
    }
  }

  #warnOfMany(text: string): void {
    // A line for each, and four more.
    const count = (text.match(/\n/g)?.length ?? 0) - 4;
    if (count <= MANY_RECORDS || this.#hasWarned) return;
    this.#hasWarned = true;
    process.emitWarning(
      `${JSON.stringify(this.#path)} has ${count} records, and each save writes all of them. Use @tokenkeep/sqlite for more than ${MANY_RECORDS}.`,
      { code: 'TOKENKEEP_FILE_RECORDS' },
    );
  }
}

function openFile(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (driverCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** To replace a file takes no right to write to it; who took that right away meant it. */
async function requireWritable(path: string): Promise<void> {
  if (!(await requireUsable(path))) return;
  const driverCode = await whyNotWritable(path);
  if (driverCode === 'EACCES' || driverCode === 'EPERM') {
    throw new TokenStoreError(
      'READ_ONLY',
      `The file ${JSON.stringify(path)} may be read but not written. Make it writable, or give another path; nothing was changed.`,
      { driverCode, retryable: false },
    );
  }
  if (driverCode !== undefined) throw fileFailure({ code: driverCode }, path);
  const { uid } = await stat(path);
  const user = process.geteuid?.() ?? uid;
  if (user !== uid && user !== 0) {
    throw new TokenStoreError(
      'ACCESS_DENIED',
      `The file ${JSON.stringify(path)} belongs to another user, and a save, which writes it anew, could not give it back. Run as that user, or use @tokenkeep/sqlite, whose files a group can share; nothing was changed.`,
    );
  }
}

function stampAt(path: string): string {
  const descriptor = openFile(path);
  if (descriptor === undefined) return NO_FILE;
  try {
    return stampIn(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Tells one content from another. The revision does for what we write ourselves: the number of a
 * file that was replaced is used again at once, and clocks of file systems stand still for
 * milliseconds. The others are for a file that was edited by hand.
 */
function stampIn(descriptor: number): string {
  const head = Buffer.alloc(HEAD_BYTES);
  const length = readSync(descriptor, head, 0, HEAD_BYTES, 0);
  return `${stampOf(fstatSync(descriptor, { bigint: true }))} ${head.toString('latin1', 0, length)}`;
}
