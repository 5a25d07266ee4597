import { TokenStoreError } from '@tokenkeep/core';
import { Deadline } from '@tokenkeep/core/adapter/server';
import { translateError } from './errors.ts';
import {
  checkOptions,
  type OwnClient,
  type RedisClient,
  type RedisTokenStoreOptions,
} from './options.ts';

/** The client that a store speaks through: its own, or one that it was handed. */
export class Connection {
  /** The key of the hash that the store is. */
  readonly key: string;
  readonly #timeout: number;
  readonly #makeClient: (() => OwnClient) | undefined;
  readonly #deadline: Deadline;
  #client: RedisClient | undefined;
  #own: OwnClient | undefined;

  /** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
  constructor(options: RedisTokenStoreOptions) {
    const { key, timeout, client } = checkOptions(options);
    this.key = key;
    this.#timeout = timeout;
    this.#deadline = new Deadline(timeout);
    if (typeof client === 'function') this.#makeClient = client;
    else this.#client = client;
  }

  async open(): Promise<void> {
    if (this.#makeClient === undefined) return;
    const client = this.#makeClient();
    this.#own = client;
    this.#client = client;
    // Why it could not connect is told here only; and without a listener it would be printed.
    let reason: unknown;
    client.on('error', (error: unknown) => {
      reason = error;
    });
    try {
      await this.#inTime(client.connect());
    } catch (error) {
      this.close();
      throw reason ?? error;
    }
  }

  /** Sends one command; what goes wrong with it is not translated yet. */
  call(command: string, args: string[]): Promise<unknown> {
    if (this.#client === undefined) throw new Error('the store is not open');
    return this.#inTime(this.#client.call(command, args));
  }

  /** Tells what went wrong with a command. */
  translateError(error: unknown): TokenStoreError | undefined {
    return this.#handleClosed() ?? translateError(error);
  }

  /** Nothing is in flight any more: a store waits for that. */
  close(): void {
    this.#own?.disconnect();
    this.#own = undefined;
    if (this.#makeClient !== undefined) this.#client = undefined;
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    return this.#deadline.for(answer, this.#lateness);
  }

  #handleClosed(): TokenStoreError | undefined {
    if (this.#own !== undefined || this.#client?.status !== 'end') return undefined;
    return new TokenStoreError(
      'HANDLE_CLOSED',
      'The Redis client that the store was given is closed. Give the store an open one, and close the store before its client.',
    );
  }

  readonly #lateness = (): TokenStoreError => {
    const closed = this.#handleClosed();
    if (closed !== undefined) return closed;
    if (this.#client?.status === 'ready') {
      return new TokenStoreError(
        'TIMEOUT',
        `Redis did not answer within ${this.#timeout} ms. See that it is not overloaded and try again; a save may or may not have happened.`,
        { retryable: true },
      );
    }
    return new TokenStoreError(
      'CONNECTION_FAILED',
      `There was no connection to Redis within ${this.#timeout} ms. See that it runs and is reachable, then try again; a save may or may not have happened.`,
      { retryable: true },
    );
  };
}
