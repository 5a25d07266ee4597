import type { TokenStoreDefinition } from '@tokenkeep/conformance';
import { OAuthToken } from '@tokenkeep/core';
import { absorbingInLane } from '../src/lanes.ts';
import { inFile } from './broken/broken-store.ts';

/**
 * A server carries out what a process had sent before it was killed, and it may do so between two
 * calls of another process: here before that one looks for a record.
 */
export const lateServer: TokenStoreDefinition = inFile(
  'a server that is late',
  {
    methods: (store) => ({
      async findToken(token: OAuthToken) {
        const [, lane, tag = ''] = /^bare-(\d)-(.*)/.exec(token.refreshToken ?? '') ?? [];
        if (lane !== undefined) {
          await store.saveToken(new OAuthToken(absorbingInLane(Number(lane), tag)));
        }
        return store.findToken(token);
      },
    }),
  },
  import.meta.url,
);
