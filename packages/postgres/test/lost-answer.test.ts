import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import { type PostgresServer, startFaultyProxy, until } from '@tokenkeep/test-servers';
import { beforeAll, describe, expect, it } from 'vitest';
import { PostgresTokenStore } from '../src/index.ts';
import { sharedPostgres } from './servers.ts';

const save = (store: PostgresTokenStore, init: TokenInit) => store.saveToken(new OAuthToken(init));
const ada = { userSignature: { name: 'ada' } };

describe('F1 a save whose answer is lost', () => {
  let server: PostgresServer;
  let url: string;
  beforeAll(async () => {
    server = await sharedPostgres();
    ({ url } = await server.createDatabase());
  }, 300_000);

  it('20 times, by a reset of the only connection, is done 20 times, and not over what others saved', async () => {
    await using proxy = await startFaultyProxy({ target: server });
    const options = { max: 1 };
    await using lossy = new PostgresTokenStore({ url: proxy.urlFor(url), schema: 'lost', options });
    await using other = new PostgresTokenStore({ url, schema: 'lost', options });
    await save(lossy, { ...ada, refreshToken: 'r' });
    for (let round = 0; round < 20; round += 1) {
      proxy.dropNextReply((request) => request.includes(`lost-${round}`));
      const losing = save(lossy, { ...ada, scope: `lost-${round}` });
      await proxy.seen(({ reset }) => reset > round);
      const byOther = await save(other, { ...ada, scope: `other-${round}` });
      const bySelf = await losing;
      expect(bySelf.version).toBe(2 * round + 2);
      expect(byOther.version).toBe(2 * round + 3);
      const left = await other.findToken(new OAuthToken(ada));
      expect(left).toMatchObject({ version: 2 * round + 3, scope: `other-${round}` });
    }
  });

  it('of a COMMIT is recognised', async () => {
    await using proxy = await startFaultyProxy({ target: server });
    await using store = new PostgresTokenStore({ url: proxy.urlFor(url), schema: 'committed' });
    await save(store, { ...ada, clientId: 'a', refreshToken: 'r' });
    // Another client's: in a transaction.
    proxy.dropNextReply((request) => request.includes('COMMIT\0'));
    const added = await save(store, { ...ada, clientId: 'b', refreshToken: 's' });
    expect(proxy.counts.reset).toBe(1);
    expect(added.version).toBe(1);
    expect(await store.getTokens()).toHaveLength(2);
    // Before that, nothing has happened, and it is done again.
    proxy.dropNextReply((request) => request.includes('BEGIN'));
    await save(store, { ...ada, clientId: 'c', refreshToken: 't' });
    expect(proxy.counts.reset).toBe(2);
    expect(await store.getTokens()).toHaveLength(3);
  });

  it('and that adds a record is not done twice', async () => {
    await using proxy = await startFaultyProxy({ target: server });
    await using store = new PostgresTokenStore({ url: proxy.urlFor(url), schema: 'added' });
    await store.ready();
    proxy.dropNextReply((request) => request.includes('reply-is-lost'));
    const added = await save(store, { ...ada, accessToken: 'reply-is-lost' });
    expect(proxy.counts.reset).toBe(1);
    expect(added.version).toBe(1);
    expect(await store.getTokens()).toHaveLength(1);
  });

  it('closed by the server while they were idle, connections make no error of an add', async () => {
    const { url: own, name } = await server.createDatabase();
    await using store = new PostgresTokenStore({ url: own });
    const others = `FROM pg_stat_activity WHERE datname = '${name}' AND pid <> pg_backend_pid()`;
    for (const init of [{ ...ada, refreshToken: 'r' }, { extra: { verifier: 'v' } }]) {
      await Promise.all(Array.from({ length: 5 }, () => store.findToken(new OAuthToken(ada))));
      const ended = await server.query(`SELECT pg_terminate_backend(pid) ${others}`);
      expect(ended.length).toBeGreaterThan(1);
      await until('they are closed', async () => {
        return (await server.query(`SELECT 1 ${others}`)).length === 0;
      });
      expect(await save(store, init)).toMatchObject({ version: 1 });
    }
  });

  it('cut at the moment of the call, connections make no error of an add', async () => {
    await using proxy = await startFaultyProxy({ target: server });
    await using store = new PostgresTokenStore({ url: proxy.urlFor(url), schema: 'cut' });
    await store.ready();
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(Array.from({ length: 5 }, () => store.findToken(new OAuthToken(ada))));
      proxy.cut();
      const added = round % 2 === 0 ? { refreshToken: `r${round}` } : { extra: { round } };
      expect(await save(store, added)).toMatchObject({ version: 1 });
    }
  });
});
