import { spawnSync } from 'node:child_process';
import { renameSync } from 'node:fs';

/** Stores whose driver is not there, in a process that has not loaded it. */
export const DRIVERS = [
  ['sqlite', "new SqliteTokenStore({ path: 'no-driver.db' })", 'better-sqlite3'],
  ['file', "new FileTokenStore({ path: 'no-driver.json' })", 'fs-native-extensions'],
  ['mysql', "new MysqlTokenStore({ url: 'mysql://localhost' })", 'mysql2'],
  ['redis', "new RedisTokenStore({ url: 'redis://localhost' })", 'ioredis'],
  ['postgres', "new PostgresTokenStore({ url: 'postgres://localhost' })", 'pg'],
  ['mongo', "new MongoTokenStore({ url: 'mongodb://localhost' })", 'mongodb'],
  [
    'firestore',
    "new FirestoreTokenStore({ options: { projectId: 'p' } })",
    '@google-cloud/firestore',
  ],
].map(([name, made, driver]) => ({
  given: `ready() of ${name}, where ${driver} is missing`,
  run() {
    const place = `node_modules/${driver}`;
    renameSync(place, `${place}.away`);
    try {
      const store = /new (\w+)/.exec(made)?.[1];
      const program = `import { ${store} } from '@tokenkeep/${name}';
        await ${made}.ready().catch(({ code, message }) => console.log(code + ': ' + message));
        process.exit(0);`;
      const child = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
        encoding: 'utf8',
      });
      return (child.stdout || child.stderr).trim();
    } finally {
      renameSync(`${place}.away`, place);
    }
  },
  expected: new RegExp(`^DRIVER_UNAVAILABLE: .*${driver}.*external in esbuild`),
}));
