import {
  invalidOption,
  MemorySpace,
  requireKnownOptions,
  StorageTokenStore,
} from '@tokenkeep/core/adapter';
/** Options of {@link MemoryTokenStore}. */
export interface MemoryTokenStoreOptions {
  /**
   * Where the records are kept. Stores that are given the same space are handles on the same storage.
   *
   * @default a new space
   */
  space?: MemorySpace;
}

/**
 * A token store in memory: gone with the process, as fast as a map.
 *
 * @example
 * const store = new MemoryTokenStore();
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class MemoryTokenStore extends StorageTokenStore {
  /** @throws TokenStoreError `INVALID_OPTION` */
  constructor(options: MemoryTokenStoreOptions = {}) {
    requireKnownOptions('MemoryTokenStore', options, ['space'], '{ space: new MemorySpace() }');
    if (options.space !== undefined && !(options.space instanceof MemorySpace)) {
      throw invalidOption('space', 'must be a MemorySpace');
    }
    super(options.space ?? new MemorySpace());
  }
}
