/** A package with a store, and how a program makes one that needs no server. */
export interface Adapter {
  /** The package, without its scope. */
  readonly name: string;
  readonly store: string;
  /** The expression that is the constructor's argument. `port` is one that nothing listens on. */
  readonly options: string;
  /** What it reaches its storage through; `null` for one that needs nothing. */
  readonly driver: string | null;
  /** Whether the storage is on another machine, so that a program without one gets an error. */
  readonly needsServer: boolean;
}

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: these are texts of programs
/** Every adapter that is published. */
export const ADAPTERS: readonly Adapter[] = [
  { name: 'memory', store: 'MemoryTokenStore', options: '', driver: null, needsServer: false },
  { name: 'list', store: 'ListTokenStore', options: '', driver: null, needsServer: false },
  {
    name: 'file',
    store: 'FileTokenStore',
    options: `{ path: './tokens.json' }`,
    driver: 'fs-native-extensions',
    needsServer: false,
  },
  {
    name: 'sqlite',
    store: 'SqliteTokenStore',
    options: `{ path: './tokens.db' }`,
    driver: 'better-sqlite3',
    needsServer: false,
  },
  {
    name: 'mysql',
    store: 'MysqlTokenStore',
    options: '{ url: `mysql://app@127.0.0.1:${port}/tokens` }',
    driver: 'mysql2',
    needsServer: true,
  },
  {
    name: 'postgres',
    store: 'PostgresTokenStore',
    options: '{ url: `postgres://app@127.0.0.1:${port}/app` }',
    driver: 'pg',
    needsServer: true,
  },
  {
    name: 'redis',
    store: 'RedisTokenStore',
    options: '{ url: `redis://127.0.0.1:${port}`, timeout: 300 }',
    driver: 'ioredis',
    needsServer: true,
  },
  {
    name: 'mongo',
    store: 'MongoTokenStore',
    options: '{ url: `mongodb://127.0.0.1:${port}/?serverSelectionTimeoutMS=300` }',
    driver: 'mongodb',
    needsServer: true,
  },
  {
    name: 'firestore',
    store: 'FirestoreTokenStore',
    options:
      '{ options: { projectId: "none", host: "127.0.0.1", port, ssl: false }, timeout: 500 }',
    driver: '@google-cloud/firestore',
    needsServer: true,
  },
  {
    name: 'dynamodb',
    store: 'DynamodbTokenStore',
    options:
      '{ options: { endpoint: `http://127.0.0.1:${port}`, region: "x", credentials: { accessKeyId: "x", secretAccessKey: "x" } } }',
    driver: '@aws-sdk/client-dynamodb',
    needsServer: true,
  },
  {
    name: 'aws-secrets-manager',
    store: 'AwsSecretsManagerTokenStore',
    options:
      '{ options: { endpoint: `http://127.0.0.1:${port}`, region: "x", credentials: { accessKeyId: "x", secretAccessKey: "x" } } }',
    driver: '@aws-sdk/client-secrets-manager',
    needsServer: true,
  },
];
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: these are texts of programs
