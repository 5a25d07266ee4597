export type { MongoClientLike, MongoCollectionLike } from './collection.ts';
export { MongoTokenStore } from './mongo-token-store.ts';
export type { MongoTokenStoreOptions } from './options.ts';
