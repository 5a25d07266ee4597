import type { SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';

/** For the SDK: moto lets everybody in, but the SDK signs every request. */
export function configFor(endpoint: string): SecretsManagerClientConfig {
  return {
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
}
