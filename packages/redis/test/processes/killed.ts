/**
 * `node killed.ts URL PREFIX STEPS TOKEN`: saves a token (JSON), and kills itself after so many
 * steps; each command is two: it is sent, and its reply has come.
 */
import { OAuthToken } from '@tokenkeep/core';
import { Redis } from 'ioredis';
import { RedisTokenStore } from '../../src/index.ts';

const [url = '', prefix = '', steps = '', token = ''] = process.argv.slice(2);
const redis = new Redis(url, { replyMapping: 'legacy' });
let left = Number.POSITIVE_INFINITY;
const step = () => {
  if (left === 0) process.kill(process.pid, 'SIGKILL');
  left -= 1;
};
const client = {
  async call(command: string, args: string[]) {
    const reply = redis.call(command, args);
    step();
    await reply.catch(() => {});
    step();
    return reply;
  },
};
await using store = new RedisTokenStore({ client, prefix });
await store.ready();
left = Number(steps);
step();
await store.saveToken(new OAuthToken(JSON.parse(token)));
redis.disconnect();
