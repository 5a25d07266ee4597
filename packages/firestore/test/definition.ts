import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { FirestoreTokenStore } from '@tokenkeep/firestore';
import { describeServer, type FirestoreServer, startFirestore } from '@tokenkeep/test-servers';

// The emulator asks for no credentials; without this the client looks for them on the network.
process.env['METADATA_SERVER_DETECTION'] = 'none';

let server: Promise<FirestoreServer> | undefined;

const definition: TokenStoreDefinition = defineTokenStore({
  name: 'FirestoreTokenStore on the emulator',
  location: async () => {
    server ??= startFirestore().then((found) => {
      console.log(describeServer(found));
      return found;
    });
    const { hostAndPort } = await server;
    // A project each: the emulator empties one in a single request, where a client would have to
    // read and delete document by document.
    return { host: hostAndPort, projectId: `p${crypto.randomUUID()}`, collection: 'oauthtoken' };
  },
  open: ({ host, projectId, collection }) =>
    new FirestoreTokenStore({ options: { projectId, host, ssl: false }, collection }),
  destroy: async ({ projectId }) => (await server)?.clear(projectId),
  neighbour: (place) => ({ ...place, collection: `${place.collection}2` }),
  versions: true,
  durable: true,
  shared: true,
  iterable: true,
  module: import.meta.url,
  pace: 20,
});
export default definition;
