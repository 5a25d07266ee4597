import { MongoTokenStore } from '@tokenkeep/mongo';
import { startMongo } from '@tokenkeep/test-servers';
import { MongoClient } from 'mongodb';
import { bareCalls } from '../bare-calls.ts';
import type { Contender } from '../contender.ts';
import { SharedClient } from '../shared-client.ts';
import { fillStore, storeCalls } from '../store-contender.ts';

const server = new SharedClient({
  start: () => startMongo({ own: true }),
  connect: (engine) => new MongoClient(engine.databaseUrl('bench')),
  disconnect: (client) => client.close(),
});

/**
 * The driver's own statements, as safe as the store's: a find by an index, an upsert by a unique one,
 * journaled. They match nothing, merge nothing and check nothing, and give documents.
 */
const bare = server.contender('bare statements of mongodb', async (client, tokens) => {
  const collection = client.db().collection('bare', {
    writeConcern: { w: 'majority', journal: true },
    readConcern: { level: 'majority' },
  });
  await collection.createIndexes([
    { key: { userName: 1 }, name: 'user', unique: true },
    { key: { refreshToken: 1 }, name: 'refresh', unique: true },
  ]);
  await collection.insertMany(tokens.map((token) => token.toRecord()));
  return {
    calls: bareCalls(
      {
        findByUser: (name) => collection.findOne({ userName: name }),
        findByRefreshToken: (refreshToken) => collection.findOne({ refreshToken }),
        upsert: (token) => {
          const record = token.toRecord();
          const filter = { userName: record.userName };
          return () => collection.updateOne(filter, { $set: record }, { upsert: true });
        },
      },
      tokens.length,
    ),
    close: () => undefined,
  };
});

export const mongo: Contender = {
  ...server.contender('mongo', async (client, tokens) => {
    const store = new MongoTokenStore({ client, database: 'bench' });
    await fillStore(store, tokens);
    return { calls: storeCalls(store, tokens.length), close: () => store.close() };
  }),
  bare,
  sizes: [1_000],
};
