import { createServer, type Server } from 'node:net';
import { BSON } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MongoTokenStore } from '../src/index.ts';

/** A member of a replica set as far as it answers to `hello`: it says that the primary is elsewhere. */
let member: Server;
let greetings = 0;
const PRIMARY = '192.0.2.1:27017';

beforeAll(async () => {
  member = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (message) => {
      greetings += 1;
      socket.write(answerTo(message));
    });
  });
  await new Promise<void>((resolve) => member.listen(0, '127.0.0.1', resolve));
});
afterAll(() => member.close());

function answerTo(message: Buffer): Buffer {
  const document = BSON.serialize({
    ok: 1,
    helloOk: true,
    isWritablePrimary: false,
    secondary: true,
    setName: 'rs',
    setVersion: 1,
    hosts: [PRIMARY],
    primary: PRIMARY,
    minWireVersion: 0,
    maxWireVersion: 25,
    maxBsonObjectSize: 16_777_216,
  });
  // OP_QUERY (2004) is answered by OP_REPLY (1), OP_MSG (2013) by OP_MSG.
  const isQuery = message.readInt32LE(12) === 2004;
  const front = Buffer.alloc(isQuery ? 20 : 5);
  if (isQuery) front.writeInt32LE(1, 16);
  const header = Buffer.alloc(16);
  header.writeInt32LE(16 + front.length + document.length, 0);
  header.writeInt32LE(message.readInt32LE(4), 8);
  header.writeInt32LE(isQuery ? 1 : 2013, 12);
  return Buffer.concat([header, front, document]);
}

it('a member on this machine that names a host elsewhere is not followed without TLS', async () => {
  const address = member.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const url = `mongodb://127.0.0.1:${port}/?serverSelectionTimeoutMS=3000`;
  await using store = new MongoTokenStore({ url });
  await expect(store.ready()).rejects.toMatchObject({
    code: 'TLS_REQUIRED',
    message: expect.stringContaining(PRIMARY),
  });
  expect(greetings).toBeGreaterThan(0);
  await expect(store.getTokens()).rejects.toMatchObject({ code: 'TLS_REQUIRED' });
});
