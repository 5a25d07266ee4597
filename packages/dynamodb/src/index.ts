export { DynamodbTokenStore } from './dynamodb-token-store.ts';
export type { DynamodbClientLike, DynamodbTokenStoreOptions } from './options.ts';
