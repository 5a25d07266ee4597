import { MongoTokenStore } from '@tokenkeep/mongo';
import { startMongo } from '@tokenkeep/test-servers';
import { MongoClient } from 'mongodb';
import { bareCalls } from '../bare-calls.ts';
import type { Contender } from '../contender.ts';
import { SharedServer } from '../shared-server.ts';
import { fillStore, storeCalls } from '../store-contender.ts';

const server = new SharedServer(() => startMongo({ own: true }));

/**
 * The driver's own statements, as safe as the store's: a find by an index, an upsert by a unique one,
 * journaled. They match nothing, merge nothing and check nothing, and give documents.
 */
const bare = server.contender('bare statements of mongodb', async (engine, tokens) => {
  const client = new MongoClient(engine.databaseUrl('bare'));
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
    close: () => client.close(),
  };
});

export const mongo: Contender = {
  ...server.contender('mongo', async (engine, tokens) => {
    const store = new MongoTokenStore({ uri: engine.databaseUrl('store') });
    await fillStore(store, tokens);
    return { calls: storeCalls(store, tokens.length), close: () => store.close() };
  }),
  bare,
  sizes: [1_000],
};
