import type { TokenStoreDefinition } from '@tokenkeep/conformance';
import { inFile, inMemory } from './broken/broken-store.ts';

/** The ground of the broken stores, with no fault put in. */
export const plainInMemory: TokenStoreDefinition = inMemory('plain store in memory');
/** It writes all its records at each save, which the kit is told as its pace. */
export const plainInFile: TokenStoreDefinition = {
  ...inFile('plain store in a file', {}, import.meta.url),
  pace: 10,
};
