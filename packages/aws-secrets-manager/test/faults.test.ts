import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { OAuthToken, type TokenInit, type TokenStoreError } from '@tokenkeep/core';
import { describeSurvivors, RACING_SAVES, race, saveDuring } from '@tokenkeep/load-checks';
import { type FaultyProxy, type MotoServer, startFaultyProxy } from '@tokenkeep/test-servers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  AwsSecretsManagerTokenStore,
  type AwsSecretsManagerTokenStoreOptions,
} from '../src/index.ts';
import { configFor } from './config-for.ts';
import { sharedMoto } from './server.ts';

let server: MotoServer;
let proxy: FaultyProxy;
beforeAll(async () => {
  server = await sharedMoto();
  proxy = await startFaultyProxy({ target: server });
}, 120_000);
beforeEach(() => proxy.pass());
afterAll(() => proxy.stop());

const ada = { userSignature: { name: 'ada' } };
const freshSecret = () => `test/${crypto.randomUUID()}`;
const throughProxy = () => configFor(`http://${proxy.host}:${proxy.port}`);
const open = (secret: string, options: AwsSecretsManagerTokenStoreOptions = {}) =>
  new AwsSecretsManagerTokenStore({ secret, options: configFor(server.url), ...options });
const save = (store: AwsSecretsManagerTokenStore, init: TokenInit) =>
  store.saveToken(new OAuthToken(init));
const failure = (promise: Promise<unknown>): Promise<TokenStoreError> =>
  promise.then(
    () => Promise.reject(new Error('it succeeded')),
    (error) => error,
  );
/** The request that makes a save valid, and the one before it. */
const isLabel = (request: Buffer) => request.includes('secretsmanager.UpdateSecretVersionStage');
const isNewVersion = (request: Buffer) => request.includes('secretsmanager.PutSecretValue');

describe('a save whose answer is lost', () => {
  it('20 times, is told, was done, and is not done again over what others saved', async () => {
    const secret = freshSecret();
    await using lossy = open(secret, { options: throughProxy() });
    await using other = open(secret);
    await save(lossy, { ...ada, refreshToken: 'r' });
    for (let round = 0; round < 20; round += 1) {
      proxy.dropNextReply(isLabel);
      const { code } = await failure(save(lossy, { ...ada, scope: `lost-${round}` }));
      expect(code).toBe('CONNECTION_FAILED');
      expect(await other.getTokens()).toMatchObject([
        { version: 2 * round + 2, scope: `lost-${round}` },
      ]);
      await save(other, { ...ada, scope: `other-${round}` });
      expect(await lossy.getTokens()).toMatchObject([
        { version: 2 * round + 3, scope: `other-${round}` },
      ]);
    }
  }, 60_000);

  it('before it was valid, changed nothing', async () => {
    await using store = open(freshSecret(), { options: throughProxy() });
    await save(store, { ...ada, refreshToken: 'r' });
    proxy.dropNextReply(isNewVersion);
    expect(await failure(save(store, { ...ada, refreshToken: 's' }))).toMatchObject({
      code: 'CONNECTION_FAILED',
    });
    expect(await store.getTokens()).toMatchObject([{ version: 1, refreshToken: 'r' }]);
    expect(await save(store, { ...ada, refreshToken: 's' })).toMatchObject({ version: 2 });
  });

  it.each([
    ['the new version', isNewVersion],
    ['its label', isLabel],
  ])('of a client that sends %s again by itself, is done once', async (_what, isIt) => {
    const client = new SecretsManagerClient({ ...throughProxy(), maxAttempts: 4 });
    const store = new AwsSecretsManagerTokenStore({ secret: freshSecret(), client });
    for (let round = 1; round <= 5; round += 1) {
      const { reset } = proxy.counts;
      proxy.dropNextReply(isIt);
      expect(await save(store, { extra: { round } })).toMatchObject({ version: 1 });
      expect(proxy.counts.reset).toBe(reset + 1);
      expect(await store.getTokens()).toHaveLength(round);
    }
    await store.close();
    client.destroy();
  });

  it('and another has deleted it since: it does not come back', async () => {
    const secret = freshSecret();
    await using one = open(secret, { options: throughProxy(), timeout: 20_000 });
    await using two = open(secret);
    await save(one, { ...ada, accessToken: 'first' });
    proxy.dropNextReply(isLabel);
    expect(await failure(save(one, { ...ada, accessToken: 'second' }))).toMatchObject({
      code: 'CONNECTION_FAILED',
    });
    await two.deleteTokens();
    expect(await one.getTokens()).toEqual([]);
  });
});

describe('a connection that fails', () => {
  it.each([
    ['refuses connections', () => proxy.refuse()],
    // moto ends each connection itself, after its answer.
    ['loses every answer', () => proxy.dropReplies()],
  ])('every call ends although the server %s', async (_what, fail) => {
    const store = open(freshSecret(), { options: throughProxy(), timeout: 1_000 });
    await save(store, { ...ada, refreshToken: 'r' });
    fail();
    const calls = [
      store.getTokens(),
      store.findTokenById('i'),
      save(store, { ...ada, accessToken: 'a' }),
      store.deleteToken('i'),
      store.deleteTokens(),
    ];
    for (const error of await Promise.all(calls.map(failure))) {
      expect(error).toMatchObject({ code: 'CONNECTION_FAILED', retryable: true });
    }
    await store.close();
    proxy.cut();
  });

  it('a server that takes requests and is silent is TIMEOUT, and closing ends', async () => {
    const silent = createServer((socket) => socket.resume());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const options = configFor(`http://127.0.0.1:${port}`);
    const store = open(freshSecret(), { options, timeout: 200 });
    expect(await failure(save(store, ada))).toMatchObject({ code: 'TIMEOUT', retryable: true });
    await store.close();
    silent.close();
  });

  it('cut 30 times under load, loses and doubles nothing', async () => {
    await using store = open(freshSecret(), { options: throughProxy() });
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

  it('loses 30 answers under load, and loses and doubles nothing', async () => {
    await using store = open(freshSecret(), { options: throughProxy() });
    const survivors = await saveDuring(store, async () => {
      for (let lost = 0; lost < 30; lost += 1) {
        const { reset } = proxy.counts;
        proxy.dropNextReply(lost % 2 === 0 ? isLabel : isNewVersion);
        await proxy.seen((counts) => counts.reset > reset);
      }
    });
    console.log(`30 answers lost; ${describeSurvivors(survivors)}`);
    expect(survivors).toMatchObject({ lost: 0, doubled: 0 });
  }, 120_000);
});

describe('two saves at once leave one record', () => {
  it.each(RACING_SAVES)(
    '%s',
    async (_title, pair) => {
      const secret = freshSecret();
      await using one = open(secret);
      await using two = open(secret);
      expect(await race([one, two], pair, 10)).toEqual(Array.from({ length: 10 }, () => 0));
    },
    60_000,
  );
});
