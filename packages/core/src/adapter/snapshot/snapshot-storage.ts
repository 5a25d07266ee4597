import { TokenStoreError } from '../../errors.ts';
import type { TokenKey } from '../../rules/matching.ts';
import { newId, type SavePlan } from '../../rules/save-plan.ts';
import type { StoredRecord } from '../../token/token-fields.ts';
import { GroupCommit, type Work } from '../group-commit.ts';
import { MemorySpace } from '../memory-space.ts';
import { repeatWhileStale } from '../repeat.ts';
import { STALE } from '../stale.ts';
import type { Decide, MaybePromise, TokenStorage } from '../token-storage.ts';
import { formatSnapshot, parseSnapshot } from './snapshot-format.ts';

/** What stands in the place of a {@link SnapshotSource}. */
export interface Snapshot {
  /** Tells it from every other that stood there, or will. */
  readonly tag: string;
  /** `null` where there is nothing yet. */
  readonly bytes: Uint8Array | null;
}

/**
 * A place for one text, which is read as a whole and replaced as a whole: a file, a secret, an
 * object in a bucket. {@link SnapshotStorage} makes a `TokenStorage` of it.
 *
 * What it throws goes through `translateError`.
 */
export interface SnapshotSource {
  /** What it is called in messages, such as `the file "./tokens.json"`. */
  readonly place: string;
  /** Connects, and sees whether the place can be used. Called again after it failed. */
  open(): MaybePromise<void>;
  /**
   * What stands there now.
   *
   * @param tag of what was read or written last
   * @returns `undefined` if that still stands there
   */
  read(tag: string | undefined): MaybePromise<Snapshot | undefined>;
  /**
   * Puts another text there in one step, if what was read still stands there.
   *
   * @param tag of what was read
   * @param revision 32 hexadecimal digits, unique: they stand in the text, and may be its tag
   * @returns the tag of what stands there now, or {@link STALE} if it was something else before
   */
  replace(text: string, tag: string, revision: string): MaybePromise<string | typeof STALE>;
  /**
   * Does something while nobody else replaces what stands there, where that can be had.
   *
   * @default does it at once, and again where `replace` says {@link STALE}
   */
  exclusively?<T>(work: () => Promise<T>): Promise<T>;
  /** Frees what `open()` opened. Only called if it was called. */
  close(): MaybePromise<void>;
  /** The driver's error in our terms; `undefined` for one that it does not know. */
  translateError(error: unknown): TokenStoreError | undefined;
}

/** All records in one text, read again whenever it changed. Saves that come at once share a write. */
export class SnapshotStorage implements TokenStorage {
  readonly #source: SnapshotSource;
  readonly #writes: GroupCommit<MemorySpace> = new GroupCommit(
    (work) => this.#commit(work),
    // What does not fit fails whoever wants it written, and not the others.
    (error) => !(error instanceof TokenStoreError && error.code === 'STORAGE_FULL'),
  );
  #known: { readonly tag: string; readonly space: MemorySpace } | undefined;
  /** While records are changed in memory, and not in their place yet. */
  #writing: Promise<void> | undefined;
  /** A read that has not begun yet. */
  #nextRead: Promise<MemorySpace> | undefined;

  constructor(source: SnapshotSource) {
    this.#source = source;
  }

  async open(): Promise<void> {
    await this.#source.open();
    await this.#read();
  }

  find(keys: readonly TokenKey[]): Promise<StoredRecord[]> {
    return this.#look((space) => space.find(keys));
  }

  save(keys: readonly TokenKey[], decide: Decide): Promise<SavePlan> {
    return this.#writes.add((records) => records.save(keys, decide));
  }

  delete(id: string, ifVersion: number | undefined): Promise<void> {
    return this.#writes.add((records) => records.delete(id, ifVersion));
  }

  async *pages(): AsyncIterable<StoredRecord[]> {
    yield* await this.#look((space) => [...space.pages()]);
  }

  clear(): Promise<void> {
    return this.#writes.add((records) => records.clear());
  }

  async close(): Promise<void> {
    await this.#source.close();
    this.#known = undefined;
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return this.#source.translateError(error);
  }

  /** Looks at what is written: records that a save has begun to change since they were read may never be. */
  async #look<T>(look: (space: MemorySpace) => T): Promise<T> {
    for (;;) {
      this.#nextRead ??= this.#readNext();
      const space = await this.#nextRead;
      if (space === this.#known?.space) return look(space);
    }
  }

  /** Callers share a read that begins after all of them, and so sees what was acknowledged before (C13). */
  async #readNext(): Promise<MemorySpace> {
    // Those that start in the same turn of the event loop come along.
    await undefined;
    while (this.#writing !== undefined) await this.#writing;
    this.#nextRead = undefined;
    return (await this.#read()).space;
  }

  async #read(): Promise<{ readonly tag: string; readonly space: MemorySpace }> {
    const known = this.#known;
    const snapshot = await this.#source.read(known?.tag);
    if (snapshot === undefined && known !== undefined) return known;
    const { tag = '', bytes = null } = snapshot ?? {};
    const { deletedVersion, records } =
      bytes === null ? NO_RECORDS : parseSnapshot(this.#source.place, bytes);
    const space = new MemorySpace(deletedVersion);
    for (const record of records) space.put(record);
    const read = { tag, space };
    // While records are being changed nothing is known.
    if (this.#known === known) this.#known = read;
    return read;
  }

  #commit(work: Work<MemorySpace>): Promise<void> {
    const commit = () => repeatWhileStale(() => this.#attempt(work));
    return this.#source.exclusively?.(commit) ?? commit();
  }

  async #attempt(work: Work<MemorySpace>): Promise<undefined | typeof STALE> {
    const { tag, space } = await this.#read();
    const { promise, resolve: settled } = Promise.withResolvers<void>();
    this.#writing = promise;
    // Until it is written it is not what stands there.
    this.#known = undefined;
    try {
      const { changes } = space;
      work(space);
      const newTag = space.changes === changes ? tag : await this.#write(space, tag);
      if (newTag === STALE) return STALE;
      this.#known = { tag: newTag, space };
      return undefined;
    } finally {
      this.#writing = undefined;
      settled();
    }
  }

  #write(space: MemorySpace, tag: string): MaybePromise<string | typeof STALE> {
    const revision = newId();
    const { deletedVersion } = space;
    const text = formatSnapshot({ revision, deletedVersion, records: [...space.pages()].flat() });
    return this.#source.replace(text, tag, revision);
  }
}

const NO_RECORDS = { deletedVersion: 0, records: [] };
