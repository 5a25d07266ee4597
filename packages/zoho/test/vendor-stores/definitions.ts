import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { type SqlServer, startMariadb } from '@tokenkeep/test-servers';
import { tokenStoreFromZoho } from '@tokenkeep/zoho';
import { createConnection } from 'mysql2/promise';
import { loadSdk, type Sdk, sdkNames } from '../sdks.ts';

/** What the vendor tells its users to create. */
const TABLE = `(
  id varchar(10) NOT NULL, user_name varchar(255), client_id varchar(255), client_secret varchar(255),
  refresh_token varchar(255), access_token varchar(255), grant_token varchar(255),
  expiry_time varchar(20), redirect_url varchar(255), api_domain varchar(255), PRIMARY KEY (id))`;

const versionOf = (name: string): string =>
  createRequire(import.meta.url)(`${name}/package.json`).version;

/** The stores that come with both SDKs, through the bridge. */
export const definitions: readonly TokenStoreDefinition[] = sdkNames.flatMap((name) => [
  fileStore(name),
  dbStore(name),
]);

function fileStore(name: (typeof sdkNames)[number]): TokenStoreDefinition {
  return defineTokenStore({
    name: `FileStore of ${name} ${versionOf(name)}`,
    location: () => join(mkdtempSync(join(tmpdir(), 'vendor-')), 'sdk_tokens.txt'),
    open: async (path) => {
      const sdk = await loadSdk(name);
      return tokenStoreFromZoho(new sdk.FileStore(path), sdk);
    },
    destroy: (path) => rmSync(dirname(path), { recursive: true, force: true }),
    damage: (path) => writeFileSync(path, 'this,was\na file of tokens'),
    versions: false,
    durable: true,
    shared: true,
    iterable: false,
    module: import.meta.url,
    pace: 4,
  });
}

let server: Promise<SqlServer> | undefined;

function dbStore(name: (typeof sdkNames)[number]): TokenStoreDefinition {
  return defineTokenStore({
    name: `DBStore of ${name} ${versionOf(name)}`,
    location: async () => {
      server ??= startMariadb();
      const { url } = await (await server).createDatabase();
      await run(url, `CREATE TABLE oauthtoken ${TABLE}`);
      return { url, table: 'oauthtoken' };
    },
    open: async ({ url, table }) => {
      const sdk = await loadSdk(name);
      return tokenStoreFromZoho(builtFor(sdk, new URL(url)).tableName(table).build(), sdk);
    },
    destroy: ({ url }) => run(url, `DROP DATABASE IF EXISTS ${databaseOf(new URL(url))}`),
    neighbour: async ({ url }) => {
      await run(url, `CREATE TABLE IF NOT EXISTS neighbour ${TABLE}`);
      return { url, table: 'neighbour' };
    },
    versions: false,
    durable: true,
    shared: true,
    iterable: false,
    module: import.meta.url,
    pace: 4,
  });
}

function builtFor(sdk: Sdk, url: URL) {
  return new sdk.DBBuilder()
    .host(url.hostname)
    .portNumber(Number(url.port))
    .userName(decodeURIComponent(url.username))
    .password(decodeURIComponent(url.password))
    .databaseName(databaseOf(url));
}

const databaseOf = (url: URL): string => url.pathname.slice(1);

async function run(url: string, statement: string): Promise<void> {
  const connection = await createConnection(url);
  await connection.query(statement);
  await connection.end();
}
