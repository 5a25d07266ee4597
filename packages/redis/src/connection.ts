import { TokenStoreError } from '@tokenkeep/core';
import { Redis } from 'ioredis';
import {
  checkOptions,
  type OwnClient,
  type RedisClient,
  type RedisTokenStoreOptions,
} from './options.ts';

/** A command that is to be sent in this turn of the event loop. */
interface Waiting {
  readonly command: string;
  readonly args: string[];
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The client that a store speaks through: its own, or one that it was handed. */
export class Connection {
  /** The key of the hash that the store is. */
  readonly key: string;
  readonly #timeout: number;
  readonly #makeClient: (() => OwnClient) | undefined;
  #client: RedisClient | undefined;
  #own: OwnClient | undefined;
  #waiting: Waiting[] = [];

  /** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
  constructor(options: RedisTokenStoreOptions) {
    const { key, timeout, client } = checkOptions(options);
    this.key = key;
    this.#timeout = timeout;
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
  async call(command: string, args: string[]): Promise<unknown> {
    const client = this.#client;
    if (client === undefined) throw new Error('the store is not open');
    try {
      return await this.#inTime(this.#send(client, command, args));
    } catch (error) {
      if (this.#own === undefined && client.status === 'end') {
        throw new TokenStoreError(
          'HANDLE_CLOSED',
          'The Redis client that the store was given is closed. Give the store an open one, and close the store before its client.',
        );
      }
      throw error;
    }
  }

  /** Nothing is in flight any more: a store waits for that. */
  close(): void {
    this.#own?.disconnect();
    this.#own = undefined;
    if (this.#makeClient !== undefined) this.#client = undefined;
  }

  /**
   * Sends what is called in one turn in one piece: the server flushes it to the disk together. A
   * single command goes as it is; ioredis' own auto-pipelining would cost it half as much again.
   */
  #send(client: RedisClient, command: string, args: string[]): Promise<unknown> {
    if (!(client === this.#own && client instanceof Redis)) return client.call(command, args);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.push({ command, args, resolve, reject });
    if (this.#waiting.length === 1) process.nextTick(() => this.#sendWaiting(client));
    return promise;
  }

  #sendWaiting(client: Redis): void {
    const [first, ...others] = this.#waiting;
    this.#waiting = [];
    if (first === undefined) return;
    if (others.length === 0) {
      client.call(first.command, first.args).then(first.resolve, first.reject);
      return;
    }
    const pipeline = client.pipeline();
    for (const { command, args, resolve, reject } of [first, ...others]) {
      pipeline.call(command, args, (error, reply) => (error ? reject(error) : resolve(reply)));
    }
    // What goes wrong with one command is told to its caller.
    pipeline.exec().catch(() => {});
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = setTimeout(() => reject(this.#lateness()), this.#timeout);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
    return promise;
  }

  #lateness(): TokenStoreError {
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
  }
}
