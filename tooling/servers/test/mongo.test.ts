import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeServer, type MongoServer, startMongo } from '../src/index.ts';

let server: MongoServer;

beforeAll(async () => {
  server = await startMongo({ own: true });
  console.log(describeServer(server));
});

afterAll(async () => {
  await server.stop();
});

test('MongoDB keeps what was flushed through SIGKILL and comes back on the same port', async () => {
  const before = new MongoClient(server.databaseUrl('kill'));
  const collection = before.db().collection('kept');
  await collection.insertOne({ value: 7 }, { writeConcern: { w: 'majority', journal: true } });
  // Killed in the same moment, on a busy machine, the engine out of npm has lost a journaled write.
  await before.db('admin').command({ fsync: 1 });
  await server.kill();
  await server.restart();

  await using after = new MongoClient(server.databaseUrl('kill'));
  const kept = await after
    .db()
    .collection('kept')
    .findOne({}, { projection: { _id: 0 } });
  expect(kept).toEqual({ value: 7 });
  await before.close();
});

test('a unique index refuses all but one of many inserts at the same time', async () => {
  await using client = new MongoClient(server.databaseUrl('unique'));
  const users = client.db().collection<{ _id: number; name: string }>('users');
  await users.createIndex({ name: 1 }, { unique: true, name: 'user' });
  const inserts = await Promise.allSettled(
    Array.from({ length: 50 }, (_, _id) => users.insertOne({ _id, name: 'same' })),
  );
  const refused = inserts.filter((insert) => insert.status === 'rejected');
  expect(refused).toHaveLength(49);
  for (const { reason } of refused) expect(reason).toMatchObject({ code: 11000 });
  expect(await users.countDocuments()).toBe(1);
});

test('a transaction is refused, as by a real server that stands alone', async () => {
  await using client = new MongoClient(server.databaseUrl('transactions'));
  await using session = client.startSession();
  await expect(
    session.withTransaction(() => client.db().collection('none').insertOne({}, { session })),
  ).rejects.toThrow();
  expect(await client.db().collection('none').countDocuments()).toBe(0);
});

test('a message that comes in many pieces is answered as a whole one', async () => {
  await using client = new MongoClient(server.databaseUrl('large'));
  const long = 'x'.repeat(5_000_000);
  const { insertedId } = await client.db().collection('large').insertOne({ long });
  const found = await client.db().collection('large').findOne({ _id: insertedId });
  expect(found?.['long'] === long).toBe(true);
});
