import { Firestore } from '@google-cloud/firestore';
import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { FirestoreTokenStore } from '@tokenkeep/firestore';
import { describeServer, type FirestoreServer, startFirestore } from '@tokenkeep/test-servers';

// The emulator asks for no credentials; without this the client looks for them on the network.
process.env['METADATA_SERVER_DETECTION'] = 'none';

let server: Promise<FirestoreServer> | undefined;
const settings = (host: string) => ({ projectId: 'tokenkeep-test', host, ssl: false });

const definition: TokenStoreDefinition = defineTokenStore({
  name: 'FirestoreTokenStore on the emulator',
  location: async () => {
    server ??= startFirestore().then((found) => {
      console.log(describeServer(found));
      return found;
    });
    const { hostAndPort } = await server;
    return { host: hostAndPort, collection: `c${crypto.randomUUID()}` };
  },
  open: ({ host, collection }) => new FirestoreTokenStore({ options: settings(host), collection }),
  destroy: async ({ host, collection }) => {
    const client = new Firestore(settings(host));
    for (const name of [collection, `${collection}_keys`]) {
      await client.recursiveDelete(client.collection(name));
    }
    await client.terminate();
  },
  neighbour: ({ host, collection }) => ({ host, collection: `${collection}2` }),
  versions: true,
  durable: true,
  shared: true,
  iterable: true,
  module: import.meta.url,
  pace: 20,
});
export default definition;
