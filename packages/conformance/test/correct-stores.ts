import type { TokenStoreDefinition } from '@tokenkeep/conformance';
import { OAuthToken } from '@tokenkeep/core';
import { inFile, inMemory } from './broken/broken-store.ts';

/** The ground of the broken stores, with no fault put in. */
export const plainInMemory: TokenStoreDefinition = inMemory('plain store in memory');
/** It writes all its records at each save, which the kit is told as its pace. */
export const plainInFile: TokenStoreDefinition = {
  ...inFile('plain store in a file', {}, import.meta.url),
  pace: 10,
};
/** It reads a thousand records at a time, which is more than the memory check of a quick run begins with. */
export const inLargeBatches: TokenStoreDefinition = inMemory('batches of a thousand', {
  methods: (store, shelf) => ({
    async *tokens() {
      // Whether the store is closed.
      await store.tokens().next();
      const all = await shelf.read();
      for (let start = 0; start < all.length; start += 1_000) {
        yield* structuredClone(all.slice(start, start + 1_000)).map(OAuthToken.fromRecord);
      }
    },
  }),
});
