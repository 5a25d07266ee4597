export type { RedisClient, RedisTokenStoreOptions } from './options.ts';
export { RedisTokenStore } from './redis-token-store.ts';
