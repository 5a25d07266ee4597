export type {
  PostgresConnection,
  PostgresPool,
  PostgresResult,
  PostgresTokenStoreOptions,
} from './options.ts';
export { PostgresTokenStore } from './postgres-token-store.ts';
