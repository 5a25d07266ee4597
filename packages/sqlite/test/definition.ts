import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { SqliteTokenStore } from '@tokenkeep/sqlite';

const definition: TokenStoreDefinition = defineTokenStore({
  name: 'sqlite',
  location: () => ({
    path: join(mkdtempSync(join(tmpdir(), 'tokenkeep-')), 'tokens.db'),
    table: 'oauthtoken',
  }),
  open: (location) => new SqliteTokenStore(location),
  destroy: ({ path }) => rmSync(dirname(path), { recursive: true, force: true }),
  // In the same file: what is nearest.
  neighbour: ({ path }) => ({ path, table: 'oauthtoken_2' }),
  damage: ({ path }) => writeFileSync(path, 'This was a database of tokens. '.repeat(500)),
  versions: true,
  durable: true,
  shared: true,
  iterable: true,
  module: import.meta.url,
});
export default definition;
