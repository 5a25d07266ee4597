import type { TokenStoreDefinition } from '@tokenkeep/conformance';
import { inFile, inMemory } from './broken/broken-store.ts';

/** The ground of the broken stores, with no fault put in. */
export const plainInMemory: TokenStoreDefinition = inMemory('plain store in memory');
export const plainInFile: TokenStoreDefinition = inFile(
  'plain store in a file',
  {},
  import.meta.url,
);
