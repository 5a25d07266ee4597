import type { SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';
import {
  invalidOption,
  refuseTogether,
  requireFalseIfGiven,
  requireKnownOptions,
  requireTimeout,
  SnapshotStorage,
  StorageTokenStore,
} from '@tokenkeep/core/adapter';
import { requireAwsTls } from '@tokenkeep/core/adapter/server';
import { SecretSource } from './secret-source.ts';

/** What is needed of a `SecretsManagerClient`: one of another copy of the SDK will do. */
export interface SecretsManagerClientLike {
  // biome-ignore lint/suspicious/noExplicitAny: the overloads of `send` differ from one version of the SDK to the next
  send(command: any, options?: { abortSignal?: AbortSignal }): Promise<any>;
}

/** Options of {@link AwsSecretsManagerTokenStore}. */
export interface AwsSecretsManagerTokenStoreOptions {
  /**
   * The name or the ARN of the secret that holds the records, 1 to 512 characters. It is created
   * where there is none.
   *
   * @default 'tokenkeep/oauthtoken'
   */
  secret?: string;
  /** A `SecretsManagerClient` that the caller made, and destroys. In place of `options`. */
  client?: SecretsManagerClientLike;
  /** What the SDK's `SecretsManagerClient` is made with: `region`, `credentials`, `endpoint`. */
  options?: SecretsManagerClientConfig;
  /** `false`: allow an `endpoint` without encryption on another host than this machine. */
  tls?: false;
  /**
   * How long one request may take: milliseconds.
   *
   * @default 10_000
   */
  timeout?: number;
}

/**
 * A token store in one secret of AWS Secrets Manager: for service accounts and a handful of logins.
 *
 * All records are in the one secret, which holds 64 KiB: some hundred tokens. Each save writes a new
 * version of it, and Secrets Manager keeps 100 versions of the last 24 hours: one save every 15
 * minutes lasts. For more, use a database.
 *
 * @example
 * const store = new AwsSecretsManagerTokenStore({ secret: 'my-app/tokens' });
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class AwsSecretsManagerTokenStore extends StorageTokenStore {
  /** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
  constructor(options: AwsSecretsManagerTokenStoreOptions = {}) {
    requireKnownOptions(
      'AwsSecretsManagerTokenStore',
      options,
      ['secret', 'client', 'options', 'tls', 'timeout'],
      "{ secret: 'my-app/tokens' }",
    );
    const { secret = 'tokenkeep/oauthtoken', client, tls, timeout = 10_000 } = options;
    if (typeof secret !== 'string' || !/^[\w/+=.@:-]{1,2048}$/.test(secret)) {
      throw invalidOption('secret', 'must be the name of a secret: letters, digits and /_+=.@-');
    }
    refuseTogether(options, 'client', 'options');
    if (client !== undefined && typeof client.send !== 'function') {
      throw invalidOption('client', 'must be a SecretsManagerClient');
    }
    requireFalseIfGiven(tls);
    requireAwsTls(options.options?.endpoint, tls);
    super(
      new SnapshotStorage(
        new SecretSource({ ...options, secret, timeout: requireTimeout(timeout) }),
      ),
    );
  }
}
