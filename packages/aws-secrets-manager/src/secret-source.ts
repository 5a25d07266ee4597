import type { SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager';
import { TokenStoreError } from '@tokenkeep/core';
import { loadDriver, type Snapshot, type SnapshotSource, STALE } from '@tokenkeep/core/adapter';
import { awsAttempts, awsErrorName, awsTlsMiddleware } from '@tokenkeep/core/adapter/server';
import type { SecretsManagerClientLike } from './aws-secrets-manager-token-store.ts';
import { translateError } from './errors.ts';

/** Bytes of UTF-8 that a secret may have: a quota of the service. */
const MAX_SECRET_BYTES = 65_536;

/**
 * The stage of a version until it becomes the current one. A version without a stage may be removed
 * at any time; with one of its own it does not disturb who reads `AWSCURRENT`.
 */
const PENDING = 'tokenkeep-pending';

type Sdk = typeof import('@aws-sdk/client-secrets-manager');

/** The options of the store with their defaults. */
export interface SecretSourceOptions {
  readonly secret: string;
  readonly client?: SecretsManagerClientLike | undefined;
  readonly options?: SecretsManagerClientConfig | undefined;
  readonly tls?: false | undefined;
  readonly timeout: number;
  /** For tests of what does not fit: moto enforces no size. */
  readonly maxBytes?: number;
}

/** What the answers have that are used here. */
interface Answer {
  readonly SecretString?: string;
  readonly VersionId?: string;
}

/**
 * One secret. A save puts a new version beside the current one, under a stage of its own, and then
 * moves `AWSCURRENT` from the version that was read to the new one: the service refuses that if
 * `AWSCURRENT` is on another version by now, so that of two saves one reads again.
 */
export class SecretSource implements SnapshotSource {
  readonly place: string;
  readonly #options: SecretSourceOptions;
  readonly #secret: string;
  readonly #maxBytes: number;
  #opened: { readonly sdk: Sdk; readonly client: SecretsManagerClientLike } | undefined;
  #close: (() => void) | undefined;

  constructor(options: SecretSourceOptions) {
    const { secret, maxBytes = MAX_SECRET_BYTES } = options;
    this.place = `the secret ${JSON.stringify(secret)}`;
    this.#options = options;
    this.#secret = secret;
    this.#maxBytes = maxBytes;
  }

  async open(): Promise<void> {
    if (this.#opened === undefined) {
      const name = '@aws-sdk/client-secrets-manager';
      const sdk = await loadDriver(name, () => import('@aws-sdk/client-secrets-manager'));
      this.#opened = { sdk, client: this.#clientOf(sdk) };
    }
    try {
      await this.read(undefined);
    } catch (error) {
      if (awsErrorName(error) !== 'ResourceNotFoundException') throw error;
      await this.#create();
    }
  }

  async read(tag: string | undefined): Promise<Snapshot | undefined> {
    // The stage is named: without one, a version that was current before may come.
    const { SecretString, VersionId = '' } = await this.#send(
      ({ GetSecretValueCommand }) =>
        new GetSecretValueCommand({ SecretId: this.#secret, VersionStage: 'AWSCURRENT' }),
    );
    if (VersionId === tag) return undefined;
    const isEmpty = SecretString === undefined || SecretString === EMPTY;
    return { tag: VersionId, bytes: isEmpty ? null : Buffer.from(SecretString) };
  }

  async replace(text: string, tag: string, revision: string): Promise<string | typeof STALE> {
    if (Buffer.byteLength(text) > this.#maxBytes) {
      throw new TokenStoreError(
        'STORAGE_FULL',
        `The records would be longer than a secret may be, ${this.#maxBytes} bytes. Delete some, or use a store on a database; nothing was changed.`,
        { retryable: false },
      );
    }
    const SecretId = this.#secret;
    await this.#send(
      ({ PutSecretValueCommand }) =>
        new PutSecretValueCommand({
          SecretId,
          SecretString: text,
          // The id of the version: sent again, it does nothing more.
          ClientRequestToken: revision,
          VersionStages: [PENDING],
        }),
    );
    try {
      await this.#send(
        ({ UpdateSecretVersionStageCommand }) =>
          new UpdateSecretVersionStageCommand({
            SecretId,
            VersionStage: 'AWSCURRENT',
            MoveToVersionId: revision,
            RemoveFromVersionId: tag,
          }),
      );
      return revision;
    } catch (error) {
      if (awsErrorName(error) !== 'InvalidParameterException') throw error;
      return this.#afterRefusal(tag, revision, error);
    }
  }

  close(): void {
    this.#close?.();
    this.#opened = undefined;
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return translateError(error, this.place);
  }

  /** A client that sends again by itself is refused what it has done already. */
  async #afterRefusal(
    tag: string,
    revision: string,
    error: unknown,
  ): Promise<string | typeof STALE> {
    const { VersionId } = await this.#send(
      ({ GetSecretValueCommand }) =>
        new GetSecretValueCommand({ SecretId: this.#secret, VersionStage: 'AWSCURRENT' }),
    );
    if (VersionId === revision) return revision;
    // On the version that was read, still or again: another save is about to move it. Core tries again
    // for a bounded time, and then says so.
    if (VersionId !== tag && awsAttempts(error) > 1) {
      throw new TokenStoreError(
        'CONNECTION_FAILED',
        'The connection broke while records were saved, and others were saved since. Try again; the save may or may not have happened.',
      );
    }
    return STALE;
  }

  #clientOf(sdk: Sdk): SecretsManagerClientLike {
    const { client: given, options, tls } = this.#options;
    if (given !== undefined) return given;
    // Each request is sent once: of one whose answer is lost the caller is told.
    const client = new sdk.SecretsManagerClient({ maxAttempts: 1, ...options });
    client.middlewareStack.add(awsTlsMiddleware(tls), {
      step: 'finalizeRequest',
      name: 'requireTls',
    });
    this.#close = () => client.destroy();
    return client;
  }

  async #create(): Promise<void> {
    try {
      await this.#send(
        ({ CreateSecretCommand }) =>
          new CreateSecretCommand({
            Name: this.#secret,
            SecretString: EMPTY,
            Description: 'OAuth tokens, kept by tokenkeep',
          }),
      );
    } catch (error) {
      // Another process may have been faster.
      if (awsErrorName(error) !== 'ResourceExistsException') throw error;
    }
  }

  #send(makeCommand: (sdk: Sdk) => object): Promise<Answer> {
    if (this.#opened === undefined) throw new Error('the secret is not open');
    const { sdk, client } = this.#opened;
    return client.send(makeCommand(sdk), {
      abortSignal: AbortSignal.timeout(this.#options.timeout),
    });
  }
}

/** What a secret holds before the first save: the service takes no empty text. */
const EMPTY = '{}';
