import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { FirestoreTokenStore } from '@tokenkeep/firestore';
import { sharedEmulator } from './server.ts';

const definition: TokenStoreDefinition = defineTokenStore({
  name: 'FirestoreTokenStore on the emulator',
  location: async () => {
    const { hostAndPort } = await sharedEmulator();
    // A project each: the emulator empties one in a single request, where a client would have to
    // read and delete document by document.
    return { host: hostAndPort, projectId: `p${crypto.randomUUID()}`, collection: 'oauthtoken' };
  },
  open: ({ host, projectId, collection }) =>
    new FirestoreTokenStore({ options: { projectId, host, ssl: false }, collection }),
  destroy: async ({ projectId }) => (await sharedEmulator()).clear(projectId),
  neighbour: (place) => ({ ...place, collection: `${place.collection}2` }),
  versions: true,
  durable: true,
  shared: true,
  iterable: true,
  module: import.meta.url,
  pace: 20,
});
export default definition;
