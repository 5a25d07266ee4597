import KeyvMongo from '@keyv/mongo';
import { digestKey } from '@tokenkeep/core/adapter/server';
import { MongoTokenStore } from '@tokenkeep/mongo';
import { startMongo } from '@tokenkeep/test-servers';
import { MongoClient } from 'mongodb';
import { bareCalls } from '../bare-calls.ts';
import type { Contender } from '../contender.ts';
import { SharedClient } from '../shared-client.ts';
import { fillStore, storeCalls } from '../store-contender.ts';
import { keyvRunner } from './keyv.ts';

const server = new SharedClient({
  start: () => startMongo({ own: true }),
  connect: (engine) => {
    const url = engine.databaseUrl('bench');
    return { url, client: new MongoClient(url) };
  },
  disconnect: ({ client }) => client.close(),
});

const SAFE = {
  writeConcern: { w: 'majority', journal: true },
  readConcern: { level: 'majority' },
} as const;

/**
 * The driver's own statements, as safe as the store's: a find by an index of a collection that our
 * store made; a journaled upsert by a unique index of a collection that has nothing else. They match
 * nothing, merge nothing and check nothing, and give documents.
 */
const bare = server.contender('bare statements of mongodb', async ({ client }, tokens) => {
  const collection = client.db().collection('bare', SAFE);
  const found = client.db().collection('found', SAFE);
  await fillStore(new MongoTokenStore({ client, database: 'bench', collection: 'found' }), tokens);
  await collection.createIndexes([
    { key: { userName: 1 }, name: 'user', unique: true },
    { key: { refreshToken: 1 }, name: 'refresh', unique: true },
  ]);
  await collection.insertMany(tokens.map((token) => token.toRecord()));
  return {
    calls: bareCalls(
      {
        findByUser: (value) =>
          found.findOne({ keys: digestKey({ field: 'userName', value }).digest }),
        findByRefreshToken: (value) =>
          found.findOne({ keys: digestKey({ field: 'refreshToken', value }).digest }),
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

const keyv = server.contender('keyv', ({ url }, tokens) =>
  keyvRunner(new KeyvMongo({ url, ...SAFE }), tokens),
);

export const mongo: Contender = {
  ...server.contender('mongo', async ({ client }, tokens) => {
    const store = new MongoTokenStore({ client, database: 'bench' });
    await fillStore(store, tokens);
    return { calls: storeCalls(store, tokens.length), close: () => store.close() };
  }),
  bare,
  peers: [keyv],
  sizes: [1_000],
};
