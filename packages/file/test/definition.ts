import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { FileTokenStore } from '@tokenkeep/file';

const definition: TokenStoreDefinition = defineTokenStore({
  name: 'file',
  location: () => join(mkdtempSync(join(tmpdir(), 'tokenkeep-')), 'tokens.json'),
  open: (path) => new FileTokenStore({ path }),
  destroy: (path) => rmSync(dirname(path), { recursive: true }),
  neighbour: (path) => `${path}-neighbour`,
  damage: (path) => writeFileSync(path, 'This was a place of tokens. '.repeat(500)),
  versions: true,
  durable: true,
  shared: true,
  iterable: true,
  module: import.meta.url,
});
export default definition;
