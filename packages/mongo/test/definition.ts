import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { MongoTokenStore } from '@tokenkeep/mongo';
import { type MongoServer, startMongo } from '@tokenkeep/test-servers';
import { MongoClient } from 'mongodb';

let server: Promise<MongoServer> | undefined;
let places = 0;

/** The server that the checks are done on. */
export function startServer(): Promise<MongoServer> {
  server ??= startMongo();
  return server;
}

const DATABASE = 'tokenkeep_conformance';

const definition: TokenStoreDefinition = defineTokenStore({
  name: 'mongo',
  location: async () => {
    const { url } = await startServer();
    places += 1;
    return { uri: url, collection: `tokens_${process.pid}_${places}` };
  },
  open: ({ uri, collection }) => new MongoTokenStore({ uri, database: DATABASE, collection }),
  destroy: async ({ uri, collection }) => {
    await using client = new MongoClient(uri);
    await client.db(DATABASE).dropCollection(collection);
  },
  neighbour: ({ uri, collection }) => ({ uri, collection: `${collection}.2` }),
  damage: async ({ uri, collection }) => {
    await using client = new MongoClient(uri);
    const documents = client.db(DATABASE).collection(collection);
    await documents.updateMany({ kind: 'record' }, { $set: { record: 'This was a record.' } });
  },
  versions: true,
  durable: true,
  shared: true,
  iterable: true,
  pace: 10,
  module: import.meta.url,
});
export default definition;
