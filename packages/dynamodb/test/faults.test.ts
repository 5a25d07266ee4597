import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { OAuthToken } from '@tokenkeep/core';
import { describeSurvivors, RACING_SAVES, race, saveDuring } from '@tokenkeep/load-checks';
import { type FaultyProxy, startFaultyProxy } from '@tokenkeep/test-servers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { configFor } from './config-for.ts';
import { failure, save, Tables, user } from './tables.ts';

const tables = Tables.onOwnServer();
const ada = user('ada');

let proxy: FaultyProxy;
beforeAll(async () => {
  proxy = await startFaultyProxy({ target: tables.server });
});
beforeEach(() => proxy.pass());
afterAll(() => proxy.stop());
const throughProxy = () => configFor(`http://${proxy.host}:${proxy.port}`);
const isCommit = (request: Buffer) => request.includes('TransactWriteItems');

describe('F1 a save whose answer is lost', () => {
  it('20 times, is done 20 times, and not over what others saved', async () => {
    const table = await tables.create();
    await using lossy = tables.open(table, { options: throughProxy() });
    await using other = tables.open(table);
    await save(lossy, { ...ada, refreshToken: 'r' });
    const before = proxy.counts.reset;
    for (let round = 0; round < 20; round += 1) {
      proxy.dropNextReply(isCommit);
      const losing = save(lossy, { ...ada, scope: `lost-${round}` });
      await proxy.seen(({ reset }) => reset > before + round);
      const byOther = await save(other, { ...ada, scope: `other-${round}` });
      const bySelf = await losing;
      expect([bySelf.version, byOther.version].sort()).toEqual([2 * round + 2, 2 * round + 3]);
      const left = await other.findToken(new OAuthToken(ada));
      expect(left?.version).toBe(2 * round + 3);
    }
  });

  it('by a client that was handed in, and sends it again by itself', async () => {
    const table = await tables.create();
    const client = new DynamoDBClient({ ...throughProxy(), maxAttempts: 4 });
    const store = tables.open(table, { client });
    await save(store, { ...ada, refreshToken: 'r' });
    for (let round = 0; round < 5; round += 1) {
      proxy.dropNextReply(isCommit);
      expect(await save(store, { ...ada, accessToken: `a${round}` })).toMatchObject({
        version: round + 2,
      });
    }
    await store.close();
    client.destroy();
  });

  it('and that adds a record, adds one', async () => {
    const table = await tables.create();
    await using store = tables.open(table, { options: throughProxy() });
    for (let round = 0; round < 5; round += 1) {
      proxy.dropNextReply(isCommit);
      expect(await save(store, { extra: { round } })).toMatchObject({ version: 1 });
    }
    expect(await store.getTokens()).toHaveLength(5);
  });

  it('and another has deleted it since: it does not come back', async () => {
    const table = await tables.create();
    await using one = tables.open(table, { options: throughProxy(), timeout: 20_000 });
    await using two = tables.open(table);
    await save(one, { ...ada, accessToken: 'first' });
    proxy.dropReplies();
    const saving = save(one, { ...ada, accessToken: 'of A' });
    const version = async () => (await two.getTokens())[0]?.version;
    await expect.poll(version, { timeout: 30_000 }).toBe(2);
    await two.deleteTokens();
    proxy.pass();
    proxy.cut();
    await saving.catch((error) => expect(error.code).toBe('CONNECTION_FAILED'));
    expect(await two.getTokens()).toEqual([]);
  });

  it('and of a deletion: the record is gone, and another that came under its id stays', async () => {
    const table = await tables.create();
    await using store = tables.open(table, { options: throughProxy() });
    const { id = '' } = await save(store, { ...ada, refreshToken: 'r' });
    proxy.dropNextReply(isCommit);
    await store.deleteToken(id, { ifVersion: 1 });
    expect(await store.getTokens()).toEqual([]);
  });
});

describe('a connection that fails', () => {
  it.each([
    ['refuses connections', () => proxy.refuse()],
    ['is silent', () => proxy.dropReplies()],
  ])('every call ends although the server %s, and closing ends', async (_what, fail) => {
    const store = tables.open(await tables.create(), { options: throughProxy(), timeout: 1_000 });
    await save(store, { ...ada, refreshToken: 'r' });
    fail();
    const calls = [
      store.getTokens(),
      store.findTokenById('i'),
      save(store, { ...ada, accessToken: 'a' }),
      store.deleteToken('i'),
      store.deleteTokens(),
    ];
    for (const { code } of await Promise.all(calls.map(failure))) {
      expect(['TIMEOUT', 'CONNECTION_FAILED']).toContain(code);
    }
    await store.close();
    proxy.cut();
  });

  it('cut 30 times under load, loses and doubles nothing', async () => {
    await using store = tables.open(await tables.create(), { options: throughProxy() });
    const survivors = await saveDuring(store, async () => {
      for (let cuts = 0; cuts < 30; cuts += 1) {
        const { bytesToClient } = proxy.counts;
        await proxy.seen((counts) => counts.bytesToClient > bytesToClient + 2_000);
        proxy.cut();
      }
    });
    console.log(`cut 30 times; ${describeSurvivors(survivors)}`);
    expect(survivors).toMatchObject({ lost: 0, doubled: 0 });
  }, 120_000);
});

it('a server that is killed and started again under load keeps what was acknowledged, and doubles nothing', async () => {
  const table = await tables.create();
  await using store = tables.open(table);
  for (let kills = 1; kills <= 3; kills += 1) {
    const survivors = await saveDuring(store, async (onlyUntilNow) => {
      onlyUntilNow();
      await save(store, { ...ada, refreshToken: `r${kills}` });
      await tables.flush(table);
      await tables.server.restart();
      // To one that remembers nothing.
      await using opened = tables.open(table);
      const ofAda = (await opened.getTokens()).filter(
        (token) => token.userSignature?.name === 'ada',
      );
      expect(ofAda).toMatchObject([{ version: kills, refreshToken: `r${kills}` }]);
    });
    console.log(`killed; ${describeSurvivors(survivors)}`);
    expect(survivors).toMatchObject({ lost: 0, doubled: 0 });
  }
}, 200_000);

describe('two saves at once leave one record', () => {
  it.each(RACING_SAVES)(
    '%s',
    async (_title, pair) => {
      const table = await tables.create();
      await using one = tables.open(table);
      await using two = tables.open(table);
      expect(await race([one, two], pair, 10)).toEqual(Array.from({ length: 10 }, () => 0));
    },
    60_000,
  );
});
