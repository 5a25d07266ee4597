import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import {
  type Decide,
  driverCodeOf,
  type Failures,
  GroupCommit,
  invalidOption,
  StorageTokenStore,
  type TokenKey,
  type TokenStorage,
} from '@tokenkeep/core/adapter';
import { fileFailure, resolvePath } from '@tokenkeep/core/adapter/file';
import type { MemorySpace } from '@tokenkeep/memory';
import { FileLock } from './file-lock.ts';
import { TokenFile } from './token-file.ts';

/** Options of {@link FileTokenStore}. */
export interface FileTokenStoreOptions {
  /**
   * The file. The first save creates it, readable by its owner only, with the folders that are
   * missing. A symbolic link is followed. Beside it `<path>.lock` is made, and stays.
   */
  path: string;
  /**
   * How long to wait for another process that is writing: milliseconds.
   *
   * @default 30_000
   */
  busyTimeout?: number;
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
    super(new FileRecords(pathOf(options), busyTimeoutOf(options)));
  }
}

interface Opened {
  readonly file: TokenFile;
  readonly lock: FileLock;
}

/** A change to the records; whether it changed any. It may throw before it changed anything. */
type Work = (records: MemorySpace) => boolean;

class FileRecords implements TokenStorage {
  readonly #path: string;
  readonly #busyTimeout: number;
  readonly #writes: GroupCommit<Work> = new GroupCommit((works) => this.#commit(works));
  #opened: Opened | undefined;
  /** While records are changed in memory and not in the file yet. */
  #writing: Promise<void> | undefined;

  constructor(path: string, busyTimeout: number) {
    this.#path = path;
    this.#busyTimeout = busyTimeout;
  }

  async open(): Promise<void> {
    const path = await resolvePath(this.#path);
    const file = new TokenFile(path);
    await requireUsable(path);
    file.read();
    this.#opened = { file, lock: new FileLock(`${path}.lock`, this.#busyTimeout) };
  }

  async find(keys: readonly TokenKey[]): Promise<StoredRecord[]> {
    return (await this.#read()).find(keys);
  }

  save(keys: readonly TokenKey[], decide: Decide): Promise<void> {
    return this.#writes.add((records) => {
      let changes = false;
      records.save(keys, (candidates) => {
        const change = decide(candidates);
        changes = change !== null;
        return change;
      });
      return changes;
    });
  }

  delete(id: string): Promise<void> {
    return this.#writes.add((records) => {
      if (records.find([{ field: 'id', value: id }]).length === 0) return false;
      records.delete(id);
      return true;
    });
  }

  async all(): Promise<StoredRecord[]> {
    return (await this.#read()).all();
  }

  clear(): Promise<void> {
    return this.#writes.add((records) => {
      if (records.all().length === 0) return false;
      records.clear();
      return true;
    });
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
    while (this.#writing !== undefined) await this.#writing;
    return this.#open.file.read();
  }

  #commit(works: readonly Work[]): Promise<Failures> {
    const { file, lock } = this.#open;
    return lock.whileHeld(async () => {
      const failures = new Map<number, unknown>();
      const records = file.read();
      let changes = false;
      for (const [place, work] of works.entries()) {
        try {
          changes = work(records) || changes;
        } catch (error) {
          failures.set(place, error);
        }
      }
      if (changes) await this.#write(file, records);
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

/** Says what would be in the way of the first save. */
async function requireUsable(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    if (driverCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) {
    await access(dirname(path), constants.W_OK | constants.X_OK);
  } else if (!found.isFile()) {
    throw new TokenStoreError(
      'PATH_UNUSABLE',
      `The path ${JSON.stringify(path)} is a ${found.isDirectory() ? 'folder' : 'device'}: give the path of a file.`,
    );
  }
}

function pathOf({ path }: FileTokenStoreOptions): string {
  if (typeof path !== 'string' || path === '' || /\0|[\\/]$/.test(path)) {
    throw invalidOption('path', 'must be the path of a file, without a NUL');
  }
  return resolve(path);
}

function busyTimeoutOf({ busyTimeout = 30_000 }: FileTokenStoreOptions): number {
  if (!Number.isSafeInteger(busyTimeout) || busyTimeout < 0) {
    throw invalidOption('busyTimeout', 'must be a whole number of milliseconds, 0 or more');
  }
  return busyTimeout;
}
