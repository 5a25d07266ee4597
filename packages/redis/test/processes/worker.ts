/**
 * `node worker.ts URL PREFIX USERS TIMES WORKER WORKERS`: one of so many processes that together
 * save each of so many users so many times.
 */
import { OAuthToken } from '@tokenkeep/core';
import { RedisTokenStore } from '../../src/index.ts';

const [url = '', prefix = '', users = '', times = '', worker = '', workers = ''] =
  process.argv.slice(2);
const IN_FLIGHT = 64;

await using store = new RedisTokenStore({ url, prefix });
await store.ready();
let next = Number(worker);
const total = Number(users) * Number(times);
const saveSome = async () => {
  while (next < total) {
    const n = next;
    next += Number(workers);
    const name = `user ${Math.floor(n / Number(times))}`;
    await store.saveToken(
      new OAuthToken({
        userSignature: { name },
        refreshToken: `1000.${name}`,
        accessToken: `${process.pid} ${n}`,
      }),
    );
  }
};
await Promise.all(Array.from({ length: IN_FLIGHT }, saveSome));
