import { MongoTokenStore } from '@tokenkeep/mongo';
import { type MongoServer, startMongo } from '@tokenkeep/test-servers';
import { MongoClient } from 'mongodb';
import type { Contender } from '../contender.ts';
import { storeContender } from '../store-contender.ts';
import { refreshToken, someUser, tokenOf, userName } from '../tokens.ts';

let server: Promise<MongoServer> | undefined;
let users = 0;
let databases = 0;

/** A new database on the one server of this run, which ends when nobody uses it any more. */
async function newDatabase(): Promise<string> {
  server ??= startMongo({ own: true });
  users += 1;
  databases += 1;
  return (await server).databaseUrl(`bench${databases}`);
}

async function leave(): Promise<void> {
  users -= 1;
  if (users > 0) return;
  await (await server)?.stop();
  server = undefined;
}

/**
 * The driver's own statements, as safe as the store's: a find by an index, an upsert by a unique one,
 * journaled. They match nothing, merge nothing and check nothing, and give documents.
 */
const bareMongo: Contender = {
  name: 'bare statements of mongodb',
  async setUp(_folder, tokens) {
    const client = new MongoClient(await newDatabase());
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
      calls: {
        findByUser: (turn) => {
          const filter = { userName: userName(someUser(turn, tokens.length)) };
          return () => collection.findOne(filter);
        },
        findByRefreshToken: (turn) => {
          const filter = { refreshToken: refreshToken(someUser(turn, tokens.length)) };
          return () => collection.findOne(filter);
        },
        saveExisting: (turn) => {
          const user = someUser(turn, tokens.length);
          const token = tokenOf(user).with({ accessToken: `1000.renewed.${turn}` });
          const fields = { $set: token.toRecord() };
          return () => collection.updateOne({ userName: userName(user) }, fields, { upsert: true });
        },
        saveNew: (turn) => {
          const user = tokens.length + turn;
          const fields = { $set: tokenOf(user).toRecord() };
          return () => collection.updateOne({ userName: userName(user) }, fields, { upsert: true });
        },
      },
      close: async () => {
        await client.close();
        await leave();
      },
    };
  },
};

export const mongo: Contender = {
  name: 'mongo',
  bare: bareMongo,
  sizes: [1_000],
  async setUp(folder, tokens) {
    const uri = await newDatabase();
    const store = await storeContender('mongo', () => new MongoTokenStore({ uri })).setUp(
      folder,
      tokens,
    );
    return {
      calls: store.calls,
      close: async () => {
        await store.close();
        await leave();
      },
    };
  },
};
