export { MysqlTokenStore } from './mysql-token-store.ts';
export type { MysqlConnection, MysqlPool, MysqlTokenStoreOptions } from './options.ts';
