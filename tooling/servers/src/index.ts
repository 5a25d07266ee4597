// Drivers are loaded where they are used: hundreds of processes that tests start import this module
// along with a definition, and need one at most.
export { type Chromium, findChromium } from './chromium.ts';
export { type DynamodbServer, startDynamodb } from './dynamodb.ts';
export { TestServerError, type TestServerErrorCode } from './errors.ts';
export {
  type FaultyProxy,
  type ProxyCounts,
  type ProxyTarget,
  startFaultyProxy,
} from './faulty-proxy.ts';
export { type FirestoreServer, startFirestore } from './firestore.ts';
export { startMariadb } from './mariadb.ts';
export { type MongoServer, startMongo } from './mongo.ts';
export { type MotoServer, startMoto } from './moto.ts';
export { startMysql } from './mysql.ts';
export { type PgbouncerServer, startPgbouncer } from './pgbouncer.ts';
export { startEmbeddedPostgres, startPostgres } from './postgres.ts';
export type { PostgresServer } from './postgres-server.ts';
export { type RedisOptions, type RedisServer, startRedis } from './redis.ts';
export { type RedisCluster, startRedisCluster } from './redis-cluster.ts';
export { type RedisSentinel, startRedisSentinel } from './redis-sentinel.ts';
export type { SqlServer } from './sql-server.ts';
export {
  describeServer,
  type ServerSource,
  type StartOptions,
  sharedServer,
  type TestServer,
} from './test-server.ts';
export { until } from './until.ts';
export { startValkey } from './valkey.ts';
