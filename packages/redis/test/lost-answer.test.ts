import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import {
  type FaultyProxy,
  type RedisServer,
  startFaultyProxy,
  startRedis,
} from '@tokenkeep/test-servers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RedisTokenStore } from '../src/index.ts';

const save = (store: RedisTokenStore, init: TokenInit) => store.saveToken(new OAuthToken(init));
const ada = { userSignature: { name: 'ada' } };

let server: RedisServer;
let prefixes = 0;
beforeAll(async () => {
  server = await startRedis();
}, 300_000);
afterAll(() => server.stop());

describe('F1, F5 a save whose answer is lost', () => {
  let proxy: FaultyProxy;
  let lossy: RedisTokenStore;
  let other: RedisTokenStore;
  beforeEach(async () => {
    const prefix = `lost${process.pid}_${++prefixes}:`;
    proxy = await startFaultyProxy({ target: server });
    // Its connection breaks after the work is done, and comes back only when the test says so.
    const options = { retryStrategy: () => 10 };
    lossy = new RedisTokenStore({ url: proxy.urlFor(server.url), prefix, options });
    other = new RedisTokenStore({ url: server.url, prefix });
    await lossy.ready();
    return async () => {
      await lossy.close();
      await other.close();
      await proxy.stop();
    };
  });

  /** Loses the answer to a save, and lets others work before the connection is there again. */
  async function lose(init: TokenInit, meanwhile: () => Promise<void>) {
    proxy.dropNextReply((request) => request.includes('is-lost'));
    const seen = proxy.counts.reset;
    const losing = save(lossy, { ...init, scope: 'is-lost' }).then(
      (token) => token.version,
      (error) => error.code,
    );
    await proxy.seen(({ reset }) => reset > seen);
    proxy.refuse();
    await meanwhile();
    proxy.pass();
    return losing;
  }

  it('is recognised, and not done again over what another saved since', async () => {
    await save(lossy, { ...ada, refreshToken: 'r' });
    const version = await lose(ada, async () => {
      expect((await save(other, { ...ada, scope: 'of the other' })).version).toBe(3);
    });
    expect(version).toBe(2);
    expect(await other.findToken(new OAuthToken(ada))).toMatchObject({
      version: 3,
      scope: 'of the other',
    });
  });

  it('and that adds a record is recognised', async () => {
    expect(await lose({ ...ada, refreshToken: 'r' }, async () => {})).toBe(1);
    expect(await lossy.getTokens()).toHaveLength(1);
  });

  it('with 9 other writes since is told as one that may have happened, and not done again', async () => {
    await save(lossy, { ...ada, refreshToken: 'r' });
    const outcome = await lose(ada, async () => {
      for (let n = 1; n <= 9; n += 1) await save(other, { ...ada, scope: `other ${n}` });
    });
    expect(outcome).toBe('CONNECTION_FAILED');
    expect(await other.findToken(new OAuthToken(ada))).toMatchObject({
      version: 11,
      scope: 'other 9',
    });
  });

  it.each([
    ['updates', { ...ada, refreshToken: 'r' }],
    ['adds', undefined],
  ])('and that %s a record does not bring back what was deleted since', async (_what, before) => {
    if (before !== undefined) await save(lossy, before);
    const outcome = await lose({ ...ada, refreshToken: 'r' }, async () => {
      const found = await other.findToken(new OAuthToken(ada));
      await other.deleteToken(found?.id ?? '');
    });
    expect(outcome).toBe('CONNECTION_FAILED');
    expect(await other.getTokens()).toEqual([]);
  });

  it('and that adds a record with nothing to find it by is not done twice', async () => {
    proxy.cut();
    // The connection is sound when it is written: nothing was read before.
    expect(await save(lossy, { extra: { verifier: 'v' } })).toMatchObject({ version: 1 });
    expect(await other.getTokens()).toHaveLength(1);
  });
});
