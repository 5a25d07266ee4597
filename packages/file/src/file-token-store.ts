import {
  requireKnownOptions,
  requireTimeout,
  SnapshotStorage,
  StorageTokenStore,
} from '@tokenkeep/core/adapter';
import { requirePath } from '@tokenkeep/core/adapter/file';
import { FileSource } from './file-source.ts';

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
    const source = new FileSource(
      requirePath(options.path),
      requireTimeout(options.timeout ?? 30_000, 0),
    );
    super(new SnapshotStorage(source));
  }
}
