export type { Synchronous } from './database-file.ts';
export type { SqliteDatabase, SqliteStatement, SqliteValue } from './sqlite-database.ts';
export {
  type SqliteDatabaseOptions,
  type SqlitePathOptions,
  type SqliteTableOptions,
  SqliteTokenStore,
  type SqliteTokenStoreOptions,
} from './sqlite-token-store.ts';
