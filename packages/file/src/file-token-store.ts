import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { StoredRecord, TokenStoreError } from '@tokenkeep/core';
import {
  type Decide,
  EventLoopTurn,
  type Failures,
  GroupCommit,
  requireKnownOptions,
  requireTimeout,
  type SavePlan,
  StorageTokenStore,
  type TokenKey,
  type TokenStorage,
  type Work,
} from '@tokenkeep/core/adapter';
import { fileFailure, requirePath, requireUsable, resolvePath } from '@tokenkeep/core/adapter/file';
import type { MemorySpace } from '@tokenkeep/memory';
import { FileLock, loadTryLock } from './file-lock.ts';
import { TokenFile } from './token-file.ts';

/** Options of {@link FileTokenStore}. */
export interface FileTokenStoreOptions {
  /**
   * The file. The first save creates it, readable by its owner only, with the folders that are
   * missing. A symbolic link is followed. Beside it `<path>.lock` is made, and stays.
   */
  path: string | URL;
  /**
   * How long to wait for another process that is writing: milliseconds.
   *
   * @default 30_000
   */
  timeout?: number;
}

/**
 * A token store in one JSON file, for small tools: each save writes the whole file anew.
 *
 * Any number of processes of one machine may use a file. What was acknowledged outlives a power
 * failure.
 *
 * @example
 * const store = new FileTokenStore({ path: './tokens.json' });
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class FileTokenStore extends StorageTokenStore {
  /** @throws TokenStoreError `INVALID_OPTION` which names the option */
  constructor(options: FileTokenStoreOptions) {
    requireKnownOptions(
      'FileTokenStore',
      options,
      ['path', 'timeout'],
      "{ path: './tokens.json' }",
    );
    super(new FileRecords(requirePath(options.path), requireTimeout(options.timeout ?? 30_000, 0)));
  }
}

interface Opened {
  readonly file: TokenFile;
  readonly lock: FileLock;
}

/** All stores of a process: it has one event loop. */
const turn = new EventLoopTurn();

class FileRecords implements TokenStorage {
  readonly #path: string;
  readonly #timeout: number;
  readonly #writes: GroupCommit<MemorySpace> = new GroupCommit((works) => this.#commit(works));
  #opened: Opened | undefined;
  /** While records are changed in memory and not in the file yet. */
  #writing: Promise<void> | undefined;

  constructor(path: string, timeout: number) {
    this.#path = path;
    this.#timeout = timeout;
  }

  async open(): Promise<void> {
    const path = await resolvePath(this.#path);
    const file = new TokenFile(path);
    // Says what would be in the way of the first save.
    if (!(await requireUsable(path))) await access(dirname(path), constants.W_OK | constants.X_OK);
    file.read();
    const lock = new FileLock(`${path}.lock`, this.#timeout, await loadTryLock());
    this.#opened = { file, lock };
  }

  async find(keys: readonly TokenKey[]): Promise<StoredRecord[]> {
    return (await this.#read()).find(keys);
  }

  save(keys: readonly TokenKey[], decide: Decide): Promise<SavePlan> {
    return this.#writes.add((records) => records.save(keys, decide));
  }

  delete(id: string, ifVersion: number | undefined): Promise<void> {
    return this.#writes.add((records) => records.delete(id, ifVersion));
  }

  async *pages(): AsyncIterable<StoredRecord[]> {
    yield* (await this.#read()).pages();
  }

  clear(): Promise<void> {
    return this.#writes.add((records) => records.clear());
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

  async #read(): Promise<MemorySpace> {
    if (turn.isOver()) await turn.next();
    while (this.#writing !== undefined) await this.#writing;
    return this.#open.file.read();
  }

  async #commit(works: readonly Work<MemorySpace>[]): Promise<Failures> {
    const { file, lock } = this.#open;
    await file.requireSamePlace();
    return lock.whileHeld(async () => {
      const failures = new Map<number, unknown>();
      const records = file.read();
      const { changes } = records;
      for (const [place, work] of works.entries()) {
        try {
          work(records);
        } catch (error) {
          failures.set(place, error);
        }
      }
      if (records.changes !== changes) await this.#write(file, records);
      return failures;
    });
  }

  async #write(file: TokenFile, records: MemorySpace): Promise<void> {
    const { promise, resolve: written } = Promise.withResolvers<void>();
    this.#writing = promise;
    try {
      await file.write(records);
    } catch (error) {
      file.forget();
      throw error;
    } finally {
      this.#writing = undefined;
      written();
    }
  }
}
