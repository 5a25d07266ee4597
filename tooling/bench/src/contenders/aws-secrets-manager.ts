import {
  GetSecretValueCommand,
  type GetSecretValueCommandOutput,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { AwsSecretsManagerTokenStore } from '@tokenkeep/aws-secrets-manager';
import { startMoto } from '@tokenkeep/test-servers';
import { bareCalls } from '../bare-calls.ts';
import type { Contender, Runner } from '../contender.ts';
import { SharedClient } from '../shared-client.ts';
import { fillStore, storeCalls } from '../store-contender.ts';

const server = new SharedClient({
  start: () => startMoto({ own: true }),
  connect: ({ url }) =>
    new SecretsManagerClient({
      endpoint: url,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
    }),
  disconnect: (client) => client.destroy(),
});

/** New users would soon be more than a secret holds. */
const withoutNewUsers = ({ saveNew: _, ...calls }: Runner['calls']): Runner['calls'] => calls;

/**
 * The SDK's own calls: the whole secret got by one, replaced by one, as long as the store's. They
 * match nothing, merge nothing and check nothing, and the last of two at once wins.
 */
const bare = server.contender('bare calls of aws-secrets-manager', async (client, tokens) => {
  const name = 'bare';
  await using store = new AwsSecretsManagerTokenStore({ secret: name, client });
  await fillStore(store, tokens);
  const get = (): Promise<GetSecretValueCommandOutput> =>
    client.send(new GetSecretValueCommand({ SecretId: name, VersionStage: 'AWSCURRENT' }));
  const { SecretString } = await get();
  const statements = {
    findByUser: get,
    findByRefreshToken: get,
    upsert: () => () => client.send(new PutSecretValueCommand({ SecretId: name, SecretString })),
  };
  const calls = withoutNewUsers(bareCalls(statements, tokens.length));
  return { calls, close: () => undefined };
});

export const awsSecretsManager: Contender = {
  ...server.contender('aws-secrets-manager', async (client, tokens) => {
    const store = new AwsSecretsManagerTokenStore({ client });
    await fillStore(store, tokens);
    const calls = withoutNewUsers(storeCalls(store, tokens.length));
    return { calls, close: () => store.close() };
  }),
  bare,
  sizes: [50],
};
