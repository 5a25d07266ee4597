import { inspect } from 'node:util';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  AwsSecretsManagerTokenStore,
  type AwsSecretsManagerTokenStoreOptions,
} from '@tokenkeep/aws-secrets-manager';
import { OAuthToken } from '@tokenkeep/core';
import { type MotoServer, startFaultyProxy } from '@tokenkeep/test-servers';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { configFor } from './config-for.ts';
import { sharedMoto } from './server.ts';

let server: MotoServer;
beforeAll(async () => {
  server = await sharedMoto();
}, 120_000);
afterEach(() => vi.unstubAllEnvs());

const ada = new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.ada' });
const freshSecret = () => `test/${crypto.randomUUID()}`;
const storeOn = (secret: string) =>
  new AwsSecretsManagerTokenStore({ secret, options: configFor(server.url) });

test('two stores open a secret that is not there at once, and save into it at once', async () => {
  const secret = freshSecret();
  await using one = storeOn(secret);
  await using other = storeOn(secret);
  await Promise.all([one.ready(), other.ready()]);
  const bob = new OAuthToken({ userSignature: { name: 'bob' }, refreshToken: '1000.bob' });
  await Promise.all([one, other, one, other].map((store, i) => store.saveToken(i < 2 ? ada : bob)));
  const all = await one.getTokens();
  expect(all.map(({ version }) => version)).toEqual([2, 2]);
});

test('more than a secret holds is refused before anything is written', async () => {
  await using store = storeOn(freshSecret());
  await store.saveToken(ada);
  const large = new OAuthToken({ refreshToken: 'r', scope: 'x'.repeat(65_500) });
  await expect(store.saveToken(large)).rejects.toMatchObject({
    code: 'STORAGE_FULL',
    operation: 'saveToken',
    retryable: false,
  });
  expect(await store.getTokens()).toHaveLength(1);
  await store.saveToken(ada);
  expect((await store.findToken(ada))?.version).toBe(2);
});

test('a client that sends again what it has done already loses no save', async () => {
  const secret = freshSecret();
  const client = new SecretsManagerClient(configFor(server.url));
  let again = 0;
  const repeating = {
    async send(command: object, options?: object) {
      const answer: unknown = await client.send(command as GetSecretValueCommand, options);
      if (command.constructor.name !== 'UpdateSecretVersionStageCommand') return answer;
      again += 1;
      return client.send(command as GetSecretValueCommand, options);
    },
  };
  const store = new AwsSecretsManagerTokenStore({ secret, client: repeating });
  await store.saveToken(ada);
  expect(await store.saveToken(ada)).toMatchObject({ version: 2 });
  expect(again).toBe(2);
  await store.close();
  client.destroy();
});

test('a save that is refused while another is about to move the label is tried again', async () => {
  const client = new SecretsManagerClient(configFor(server.url));
  let refusals = 0;
  const busy = {
    async send(command: object, options?: object) {
      if (command.constructor.name === 'UpdateSecretVersionStageCommand' && refusals < 1) {
        refusals += 1;
        throw Object.assign(new Error('refused'), { name: 'InvalidParameterException' });
      }
      return client.send(command as GetSecretValueCommand, options);
    },
  };
  const store = new AwsSecretsManagerTokenStore({ secret: freshSecret(), client: busy });
  expect(await store.saveToken(ada)).toMatchObject({ version: 1 });
  expect(refusals).toBe(1);
  expect(await store.getTokens()).toHaveLength(1);
  await store.close();
  client.destroy();
});

test('what is no token store is left as it is', async () => {
  const secret = freshSecret();
  await using store = storeOn(secret);
  await store.ready();
  const client = new SecretsManagerClient(configFor(server.url));
  const { PutSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
  await client.send(
    new PutSecretValueCommand({ SecretId: secret, SecretString: '{"password":"x"}' }),
  );
  await using other = storeOn(secret);
  await expect(other.saveToken(ada)).rejects.toMatchObject({ code: 'SCHEMA_UNKNOWN' });
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secret }));
  expect(SecretString).toBe('{"password":"x"}');
  client.destroy();
});

test('a server that is not there is CONNECTION_FAILED, without a secret in it', async () => {
  const gone = new AwsSecretsManagerTokenStore({ options: configFor('http://127.0.0.1:1') });
  const failure: unknown = await gone.saveToken(ada).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'CONNECTION_FAILED', retryable: true });
  expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain('1000.ada');
  await gone.close();
});

test('a connection that breaks is CONNECTION_FAILED, although the SDK calls it TimeoutError', async () => {
  await using proxy = await startFaultyProxy({ target: server });
  const options = configFor(`http://${proxy.host}:${proxy.port}`);
  await using store = new AwsSecretsManagerTokenStore({ secret: freshSecret(), options });
  await store.saveToken(ada);
  proxy.dropNextReply();
  await expect(store.findToken(ada)).rejects.toMatchObject({
    code: 'CONNECTION_FAILED',
    driverCode: 'ECONNRESET',
    retryable: true,
  });
  expect(await store.findToken(ada)).toMatchObject({ version: 1 });
});

describe('a wrong option is refused by its name', () => {
  test.each<[string, unknown]>([
    ['secret', { secret: 'a b' }],
    ['secret', { secret: '' }],
    ['options', { client: { send: () => undefined }, options: {} }],
    ['client', { client: {} }],
    ['tls', { tls: true }],
    ['timeout', { timeout: 0 }],
    ['"region"', { region: 'eu-central-1' }],
  ])('%s', (option, options) => {
    expect(
      () => new AwsSecretsManagerTokenStore(options as AwsSecretsManagerTokenStoreOptions),
    ).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(`The option ${option} `),
      }),
    );
  });

  test('an endpoint without encryption on another host', () => {
    const options = { endpoint: 'http://aws.example.com' };
    expect(() => new AwsSecretsManagerTokenStore({ options })).toThrow(
      expect.objectContaining({ code: 'TLS_REQUIRED' }),
    );
    expect(() => new AwsSecretsManagerTokenStore({ options, tls: false })).not.toThrow();
  });

  test.each(['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_SECRETS_MANAGER'])(
    'an endpoint without encryption in %s, before anything is sent',
    async (name) => {
      vi.stubEnv(name, 'http://aws.example.com');
      const { endpoint: _, ...options } = configFor('');
      await using store = new AwsSecretsManagerTokenStore({ options });
      await expect(store.ready()).rejects.toMatchObject({
        code: 'TLS_REQUIRED',
        message: expect.stringContaining('aws.example.com'),
      });
    },
  );
});

test('a page with the status 503, from what stands before the service, is a passing failure', async () => {
  const unavailable = Object.assign(new SyntaxError('Unexpected token <'), {
    $metadata: { httpStatusCode: 503 },
  });
  const store = new AwsSecretsManagerTokenStore({
    client: { send: () => Promise.reject(unavailable) },
  });
  await expect(store.ready()).rejects.toMatchObject({ code: 'CONNECTION_FAILED', retryable: true });
});
