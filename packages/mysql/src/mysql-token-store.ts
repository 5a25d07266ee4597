import { StorageTokenStore } from '@tokenkeep/core/adapter';
import { OptimisticStorage } from '@tokenkeep/core/adapter/server';
import { MysqlEngine } from './mysql-engine.ts';
import { checkOptions, type MysqlTokenStoreOptions } from './options.ts';

/**
 * A token store in a table of MySQL (8.0 or later) or MariaDB (10.6 or later), for any number of
 * processes and machines.
 *
 * @example
 * const store = new MysqlTokenStore({ url: 'mysql://app:password@localhost/zohooauth' });
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class MysqlTokenStore extends StorageTokenStore {
  /** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
  constructor(options: MysqlTokenStoreOptions) {
    super(new OptimisticStorage(new MysqlEngine(checkOptions(options))));
  }
}
