export type { Synchronous } from './database-source.ts';
export type { SqliteDatabase, SqliteStatement, SqliteValue } from './sqlite-database.ts';
export { SqliteTokenStore, type SqliteTokenStoreOptions } from './sqlite-token-store.ts';
