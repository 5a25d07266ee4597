import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { TokenStoreError } from '@tokenkeep/core';
import { loadDriver, retryWhileBusy } from '@tokenkeep/core/adapter';
import { identityOf } from '@tokenkeep/core/adapter/file';

/** Locks a file that is open for writing; the system frees it when the descriptor is closed. */
type TryLock = (descriptor: number) => boolean;

/**
 * A native module, loaded when a store is opened and not with the package.
 *
 * @throws TokenStoreError `DRIVER_UNAVAILABLE`
 */
export async function loadTryLock(): Promise<TryLock> {
  const { tryLock } = await loadDriver(
    'fs-native-extensions',
    () => import('fs-native-extensions'),
  );
  return tryLock;
}

/** A link is not followed: it would make a file wherever it leads to. Windows has no such flag. */
const LOCK_FLAGS = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

/**
 * The right to write, which one process at a time has: a lock of the operating system on a file
 * beside the real one. It goes with the process that has it, however that dies. The file stays, as
 * to delete it would let two processes lock two files of the same name.
 */
export class FileLock {
  readonly #path: string;
  readonly #timeout: number;
  readonly #tryLock: TryLock;

  /**
   * @param timeout how long to wait for another process: milliseconds
   * @param tryLock see {@link loadTryLock}
   */
  constructor(path: string, timeout: number, tryLock: TryLock) {
    this.#path = path;
    this.#timeout = timeout;
    this.#tryLock = tryLock;
  }

  /**
   * Does the work while no other process does any.
   *
   * @throws TokenStoreError `STORE_BUSY` if another process did not give way
   */
  async whileHeld<T>(work: () => Promise<T>): Promise<T> {
    const file = await retryWhileBusy(
      () => this.#acquire(),
      (error) => error instanceof TokenStoreError && error.code === 'STORE_BUSY',
      this.#timeout,
    );
    try {
      return await work();
    } finally {
      await file.close();
    }
  }

  async #acquire(): Promise<FileHandle> {
    const file = await open(this.#path, LOCK_FLAGS, 0o600);
    try {
      if (this.#tryLock(file.fd) && (await isStillAt(file, this.#path))) return file;
      throw busy(this.#path);
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}

/** Whether nobody has deleted the file meanwhile, and perhaps locked a new one. */
async function isStillAt(file: FileHandle, path: string): Promise<boolean> {
  const [mine, there] = await Promise.all([
    file.stat({ bigint: true }),
    stat(path, { bigint: true }).catch(() => undefined),
  ]);
  return there !== undefined && identityOf(there) === identityOf(mine);
}

function busy(path: string): TokenStoreError {
  return new TokenStoreError(
    'STORE_BUSY',
    `Another process holds ${JSON.stringify(path)}. Try again; if it goes on, look for a process that is stuck. The lock of one that died is free by itself.`,
  );
}
