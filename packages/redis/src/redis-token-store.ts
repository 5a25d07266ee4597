import { StorageTokenStore } from '@tokenkeep/core/adapter';
import { OptimisticStorage } from '@tokenkeep/core/adapter/server';
import { checkOptions, type RedisTokenStoreOptions } from './options.ts';
import { RedisEngine } from './redis-engine.ts';

/**
 * A token store in a Redis (or Valkey) server, a Sentinel set, or a Cluster.
 *
 * A find is one round trip. A save is one if this process was the last to write the record, else two.
 *
 * @example
 * const store = new RedisTokenStore({ url: 'rediss://:password@redis.example:6379', prefix: 'app:' });
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class RedisTokenStore extends StorageTokenStore {
  /** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
  constructor(options: RedisTokenStoreOptions = {}) {
    super(new OptimisticStorage(new RedisEngine(checkOptions(options))));
  }
}
