/**
 * A program that ends by itself: `exiting.ts PATH CALL`. Another process that is dead has the lease
 * of the only record for a minute.
 */
import process from 'node:process';
import { OAuthToken } from '@tokenkeep/core';
import { TokenKeeper } from '@tokenkeep/keeper';
import { SqliteTokenStore } from '@tokenkeep/sqlite';

const [path = '', call, timeLimit] = process.argv.slice(2);
const store = new SqliteTokenStore({ path });
const ada = { userSignature: { name: 'ada' } };
await store.saveToken(new OAuthToken({ ...ada, refreshToken: 'r', lease: 'of the dead' }));
const keeper = new TokenKeeper({
  store,
  timeLimit: Number(timeLimit),
  refresh: async () => ({ access_token: 'new', expires_in: 3_600 }),
});
switch (call) {
  case 'aborted': {
    const signal = AbortSignal.timeout(50);
    await keeper.accessToken({ userName: 'ada' }, { signal }).catch(() => console.log('aborted'));
    break;
  }
  case 'awaited':
    console.log(await keeper.accessToken({ userName: 'ada' }));
    break;
}
