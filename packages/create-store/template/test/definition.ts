import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { MyStore } from '../src/my-store.ts';

const definition: TokenStoreDefinition = defineTokenStore({
  name: 'MyStore',
  // A fresh and empty place each time: here a path in a new folder.
  location: () => join(mkdtempSync(join(tmpdir(), 'my-store-')), 'tokens'),
  open: (place) => new MyStore(place),
  destroy: (place) => rmSync(dirname(place), { recursive: true, force: true }),
  // What the store promises. Say false to what it is not meant to.
  versions: true, // StorageTokenStore counts them, if the storage keeps the field
  durable: true, // what was acknowledged outlives the process, even one that is killed
  shared: true, // several processes may use one place at once
  iterable: true, // tokens() gives every record, one after the other
  module: import.meta.url,
});
export default definition;
