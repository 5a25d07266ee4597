export { TestServerError, type TestServerErrorCode } from './errors.ts';
export { startMariadb } from './mariadb.ts';
export { type MongoServer, startMongo } from './mongo.ts';
export { startMysql } from './mysql.ts';
export { type RedisOptions, type RedisServer, startRedis } from './redis.ts';
export type { SqlServer } from './sql-server.ts';
export {
  describeServer,
  type ServerSource,
  type StartOptions,
  type TestServer,
} from './test-server.ts';
