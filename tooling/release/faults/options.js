import { FileTokenStore } from '@tokenkeep/file';
import { FirestoreTokenStore } from '@tokenkeep/firestore';
import { MongoTokenStore } from '@tokenkeep/mongo';
import { MysqlTokenStore } from '@tokenkeep/mysql';
import { RedisTokenStore } from '@tokenkeep/redis';
import { SqliteTokenStore } from '@tokenkeep/sqlite';

const unchecked = { rejectUnauthorized: false };
const mysqlUrl = 'mysql://app:SECRET@127.999.999.999/tokens';

/** Constructors and what they are given. Whatever they say, it has no `SECRET` in it. */
const REFUSED = [
  // Unknown: each was ignored once, and tokens went to another place.
  [MysqlTokenStore, { host: 'db.example' }, /^INVALID_OPTION: .*host/],
  [MysqlTokenStore, { uri: 'mysql://localhost' }, /^INVALID_OPTION: .*uri/],
  [RedisTokenStore, 'redis://localhost', /^INVALID_OPTION/],
  [RedisTokenStore, { host: 'db.example' }, /^INVALID_OPTION: .*host/],
  [MongoTokenStore, { uri: 'mongodb://localhost' }, /^INVALID_OPTION: .*uri/],
  [FirestoreTokenStore, { url: 'x' }, /^INVALID_OPTION: .*url/],
  [SqliteTokenStore, { path: 'x.db', tableName: 't' }, /^INVALID_OPTION: .*tableName/],
  [SqliteTokenStore, undefined, /^INVALID_OPTION: .*path/],
  [SqliteTokenStore, { path: '~/tokens.db' }, /^INVALID_OPTION: .*~/],
  [SqliteTokenStore, { path: 'file:tokens.db' }, /^INVALID_OPTION: .*URL/],
  [FileTokenStore, { path: '~/tokens.json' }, /^INVALID_OPTION: .*~/],
  // In the clear, to another machine.
  [MysqlTokenStore, { url: mysqlUrl, options: { ssl: unchecked } }, /^TLS_REQUIRED/],
  [RedisTokenStore, { url: 'redis://:SECRET@db.example' }, /^TLS_REQUIRED/],
  [RedisTokenStore, { url: 'redis://:SECRET@127.999.999.999' }, /^TLS_REQUIRED|^INVALID_OPTION/],
  [
    RedisTokenStore,
    { nodes: ['redis://:SECRET@localhost', 'rediss://:SECRET@db.example'] },
    /^TLS_REQUIRED|^INVALID_OPTION/,
  ],
  [MongoTokenStore, { url: 'mongodb://a:SECRET@localhost,db.example' }, /^TLS_REQUIRED/],
  [FirestoreTokenStore, { options: { host: 'db.example', ssl: false } }, /^TLS_REQUIRED/],
  // A password in what is said.
  [MongoTokenStore, { url: 'mongodb://admin:SECRET?x@host' }, /^INVALID_OPTION/],
  [RedisTokenStore, { url: 'redis://:SECRET@localhost?sentinels=x' }, /^INVALID_OPTION/],
];

/** Options that are refused when a store is made, and what servers that are not there cost. */
export const OPTIONS = [
  ...REFUSED.map(([Store, options, said]) => ({
    given: `new ${Store.name}(${JSON.stringify(options) ?? ''})`,
    run: () => typeof new Store(options),
    expected: new RegExp(`(?!.*SECRET)${said.source}`),
  })),
  {
    given: "FIRESTORE_EMULATOR_HOST=''",
    run() {
      process.env.FIRESTORE_EMULATOR_HOST = '';
      return typeof new FirestoreTokenStore({ options: { projectId: 'p' } });
    },
    expected: 'object',
  },
  ...[
    [MysqlTokenStore, 'mysql://app:SECRET@127.0.0.1:1/tokens'],
    [RedisTokenStore, 'redis://:SECRET@127.0.0.1:1'],
    [MongoTokenStore, 'mongodb://app:SECRET@127.0.0.1:1'],
  ].map(([Store, url]) => ({
    given: `${Store.name} where nobody listens`,
    async run() {
      await using store = new Store({ url, timeout: 1_000 });
      await store.ready();
    },
    expected: /^(?!.*SECRET)(CONNECTION_FAILED|TIMEOUT): .*127\.0\.0\.1:1\b/,
  })),
];
