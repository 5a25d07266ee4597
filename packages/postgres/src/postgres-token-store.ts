import { StorageTokenStore } from '@tokenkeep/core/adapter';
import { OptimisticStorage } from '@tokenkeep/core/adapter/server';
import { checkOptions, type PostgresTokenStoreOptions } from './options.ts';
import { PostgresEngine } from './postgres-engine.ts';

/**
 * A token store in a table of PostgreSQL (14 or later), for any number of processes and machines.
 *
 * @example
 * const store = new PostgresTokenStore({ url: 'postgres://app:password@localhost/app' });
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class PostgresTokenStore extends StorageTokenStore {
  /** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
  constructor(options: PostgresTokenStoreOptions) {
    super(new OptimisticStorage(new PostgresEngine(checkOptions(options))));
  }
}
