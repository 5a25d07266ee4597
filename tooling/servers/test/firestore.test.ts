import { Firestore } from '@google-cloud/firestore';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeServer, type FirestoreServer, startFirestore } from '../src/index.ts';

let server: FirestoreServer;

beforeAll(async () => {
  // Otherwise the client looks for Google's metadata server, which is not there.
  process.env['METADATA_SERVER_DETECTION'] = 'none';
  server = await startFirestore({ own: true });
  console.log(describeServer(server));
});

afterAll(async () => {
  await server.stop();
});

function clientOf(projectId: string): Firestore {
  return new Firestore({
    projectId,
    host: server.hostAndPort,
    ssl: false,
    // The emulator takes this for an administrator.
    customHeaders: { Authorization: 'Bearer owner' },
  });
}

test('the emulator isolates transactions', async () => {
  const client = clientOf('increments');
  const counter = client.doc('counters/one');
  await counter.set({ count: 0 });
  await Promise.all(
    Array.from({ length: 3 }, () =>
      client.runTransaction(async (transaction) => {
        const { count } = (await transaction.get(counter)).data() ?? {};
        transaction.update(counter, { count: Number(count) + 1 });
      }),
    ),
  );
  expect((await counter.get()).data()).toEqual({ count: 3 });
  await client.terminate();
});

test('clear removes what one project has', async () => {
  const [cleared, other] = [clientOf('cleared'), clientOf('other')];
  await Promise.all([cleared.doc('a/b').set({}), other.doc('a/b').set({})]);
  await server.clear('cleared');
  expect((await cleared.doc('a/b').get()).exists).toBe(false);
  expect((await other.doc('a/b').get()).exists).toBe(true);
  await Promise.all([cleared.terminate(), other.terminate()]);
});

test('killed and restarted, the emulator answers on the same port and is empty', async () => {
  const before = clientOf('kill');
  await before.doc('kept/one').set({ value: 7 });
  await before.terminate();
  await server.kill();
  await server.restart();
  const after = clientOf('kill');
  expect((await after.doc('kept/one').get()).exists).toBe(false);
  await after.terminate();
});
