import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { MongoTokenStore } from '@tokenkeep/mongo';
import { type MongoServer, sharedServer, startMongo } from '@tokenkeep/test-servers';
import { MongoClient } from 'mongodb';

let places = 0;

export const sharedMongo: () => Promise<MongoServer> = sharedServer(startMongo);

const DATABASE = 'tokenkeep_conformance';

const definition: TokenStoreDefinition = defineTokenStore({
  name: 'mongo',
  location: async () => {
    const { url } = await sharedMongo();
    places += 1;
    return { url, collection: `tokens_${process.pid}_${places}` };
  },
  open: ({ url, collection }) => new MongoTokenStore({ url, database: DATABASE, collection }),
  destroy: async ({ url, collection }) => {
    await using client = new MongoClient(url);
    await client.db(DATABASE).dropCollection(collection);
  },
  neighbour: ({ url, collection }) => ({ url, collection: `${collection}.2` }),
  damage: async ({ url, collection }) => {
    await using client = new MongoClient(url);
    const documents = client.db(DATABASE).collection(collection);
    await documents.updateMany({ kind: 'token' }, { $set: { record: 'This was a record.' } });
  },
  versions: true,
  durable: true,
  shared: true,
  iterable: true,
  pace: 10,
  module: import.meta.url,
});
export default definition;
