import { DeleteSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { SnapshotStorage, StorageTokenStore } from '@tokenkeep/core/adapter';
import { SecretSource } from '../src/secret-source.ts';
import { configFor } from './config-for.ts';
import { sharedMoto } from './server.ts';

/** The kit saves more than a secret holds, and moto lets it: see secret.test.ts for the limit. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

const definition: TokenStoreDefinition = defineTokenStore({
  name: 'AwsSecretsManagerTokenStore on moto',
  location: async () => ({
    url: (await sharedMoto()).url,
    secret: `test/${crypto.randomUUID()}`,
  }),
  open: ({ url, secret }) =>
    new StorageTokenStore(
      new SnapshotStorage(
        new SecretSource({ secret, options: configFor(url), timeout: 30_000, maxBytes: NO_LIMIT }),
      ),
    ),
  destroy: async ({ url, secret }) => {
    const client = new SecretsManagerClient(configFor(url));
    await client.send(
      new DeleteSecretCommand({ SecretId: secret, ForceDeleteWithoutRecovery: true }),
    );
    client.destroy();
  },
  neighbour: ({ url, secret }) => ({ url, secret: `${secret}2` }),
  versions: true,
  durable: true,
  shared: true,
  iterable: true,
  module: import.meta.url,
  // moto does one request at a time: on a busy machine it is twice as slow as it seems.
  pace: 20,
});
export default definition;
