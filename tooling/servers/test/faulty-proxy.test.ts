import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FaultyProxy, startFaultyProxy } from '../src/index.ts';

/** Answers every piece with the same piece in capitals, and remembers what it was sent. */
let server: Server;
let received: string;
let proxy: FaultyProxy;
let client: Socket;

beforeEach(async () => {
  received = '';
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (piece) => {
      received += piece.toString();
      socket.write(piece.toString().toUpperCase());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Not a TCP server.');
  proxy = await startFaultyProxy({ target: { host: '127.0.0.1', port: address.port } });
  client = await connected();
});

afterEach(async () => {
  client.destroy();
  await proxy.stop();
  server.close();
});

async function connected(): Promise<Socket> {
  const socket = connect(proxy.port, proxy.host);
  await once(socket, 'connect');
  return socket;
}

async function reply(socket: Socket): Promise<string> {
  const [piece] = await once(socket, 'data');
  return String(piece);
}

/** The code of the error that ends the connection. */
async function ending(socket: Socket): Promise<string> {
  const [error] = await once(socket, 'error');
  return error.code;
}

test('without a fault, requests and replies pass and are counted', async () => {
  client.write('hello');
  expect(await reply(client)).toBe('HELLO');
  expect(proxy.counts).toEqual({
    connections: 1,
    refused: 0,
    reset: 0,
    bytesToServer: 5,
    bytesToClient: 5,
    bytesDropped: 0,
  });
});

test('cut resets the connections there are, and later ones pass', async () => {
  const end = ending(client);
  client.write('a');
  await reply(client);
  proxy.cut();
  expect(await end).toBe('ECONNRESET');
  const later = await connected();
  later.write('b');
  expect(await reply(later)).toBe('B');
  later.destroy();
});

test('cutAfterBytes breaks off in the middle of a request', async () => {
  proxy.cutAfterBytes(7);
  client.write('hello');
  expect(await reply(client)).toBe('HELLO');
  const end = ending(client);
  client.write('world');
  expect(await end).toBe('ECONNRESET');
  await proxy.seen(({ bytesToServer }) => bytesToServer === 7);
  const later = await connected();
  later.write('!');
  expect(await reply(later)).toBe('!');
  expect(received).toBe('hellowo!');
  later.destroy();
});

test('dropReplies lets the server work and keeps its replies from the client', async () => {
  proxy.dropReplies();
  let heard = '';
  client.on('data', (piece) => {
    heard += piece.toString();
  });
  const end = ending(client);
  client.write('hello');
  await proxy.seen(({ bytesDropped }) => bytesDropped === 5);
  proxy.cut();
  expect(await end).toBe('ECONNRESET');
  expect(received).toBe('hello');
  expect(heard).toBe('');
});

test('dropNextReply resets the one connection that sent the request', async () => {
  const other = await connected();
  proxy.dropNextReply((request) => request.includes('save'));
  const end = ending(client);
  other.write('find');
  expect(await reply(other)).toBe('FIND');
  client.write('save');
  expect(await end).toBe('ECONNRESET');
  expect(received).toBe('findsave');
  other.write('save');
  expect(await reply(other)).toBe('SAVE');
  other.destroy();
});

test('latency holds back both directions and keeps the order', async () => {
  proxy.latency(50);
  const start = performance.now();
  client.write('a');
  await proxy.seen(({ bytesToServer }) => bytesToServer === 1);
  proxy.pass();
  client.write('b');
  let heard = '';
  for await (const piece of client) {
    heard += String(piece);
    if (heard.length === 2) break;
  }
  expect(heard).toBe('AB');
  expect(performance.now() - start).toBeGreaterThan(45);
});

test('refuse resets old and new connections until pass', async () => {
  const end = ending(client);
  proxy.refuse();
  expect(await end).toBe('ECONNRESET');
  const refused = connect(proxy.port, proxy.host);
  expect(await ending(refused)).toBe('ECONNRESET');
  expect(proxy.counts.refused).toBe(1);
  proxy.pass();
  const passed = await connected();
  passed.write('a');
  expect(await reply(passed)).toBe('A');
  passed.destroy();
});

test('when the server is not there, the client is reset', async () => {
  client.destroy();
  server.close();
  await once(server, 'close');
  const late = connect(proxy.port, proxy.host);
  expect(await ending(late)).toBe('ECONNRESET');
});

test('a URL leads through the proxy and keeps the rest', () => {
  expect(proxy.urlFor('mysql://user:p%20w@db.example:3306/name?a=b')).toBe(
    `mysql://user:p%20w@127.0.0.1:${proxy.port}/name?a=b`,
  );
});
