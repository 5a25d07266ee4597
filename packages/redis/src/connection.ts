import type { Writable } from 'node:stream';
import { TokenStoreError } from '@tokenkeep/core';
import { Deadline, tlsRequired } from '@tokenkeep/core/adapter/server';
import type { Cluster, Redis } from 'ioredis';
import { translateError } from './errors.ts';
import type { CheckedOptions, RedisClient } from './options.ts';
import type { Script } from './scripts.ts';
import { makeClient } from './target.ts';

/** The client that a store speaks through: its own, or one that it was handed. */
export class Connection {
  readonly #options: CheckedOptions;
  readonly #deadline: Deadline;
  #client: RedisClient | undefined;
  /** The same, if the store made it. */
  #own: Redis | Cluster | undefined;
  #ready: Promise<void> | undefined;
  /** What went wrong with the connection last: a call that waits for one is not told. */
  #reason: unknown;
  #refused: TokenStoreError | undefined;

  constructor(options: CheckedOptions) {
    this.#options = options;
    this.#deadline = new Deadline(options.timeout);
  }

  async open(): Promise<void> {
    const { client } = this.#options;
    if ('call' in client) {
      this.#client = client;
      return;
    }
    const own = await makeClient(client, (host) => {
      this.#refused = tlsRequired(host);
    });
    this.#own = own;
    this.#client = own;
    this.#reason = undefined;
    // Without a listener they would be printed.
    own.on('error', (error: unknown) => {
      this.#reason = error;
    });
    const connected = own.connect().catch((error) => {
      throw this.#reason ?? error;
    });
    await this.#deadline.for(connected, this.#timeoutError);
  }

  /** Sends one command, once. What goes wrong with it is not translated yet. */
  async call(command: string, args: string[]): Promise<unknown> {
    const own = this.#own;
    // What ends by the user's own retryStrategy is begun anew.
    if (own?.status === 'end') own.connect().catch(() => {});
    try {
      return await this.#send(command, args);
    } catch (error) {
      if (own === undefined || !isUnsent(error)) throw error;
    }
    this.#ready ??= new Promise((resolve) => {
      own.once('ready', () => {
        this.#ready = undefined;
        resolve();
      });
    });
    await this.#deadline.for(this.#ready, this.#timeoutError);
    return this.#send(command, args);
  }

  /** By digest; a server that was restarted, or forgot its scripts, is told the script again. */
  async run(script: Script, args: readonly string[]): Promise<unknown> {
    const keysAndArgs = ['2', ...this.#options.keys, ...args];
    try {
      return await this.call('evalsha', [script.sha, ...keysAndArgs]);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    }
    return this.call('eval', [script.text, ...keysAndArgs]);
  }

  /** Does what changes nothing; once more if the connection broke, which may have happened long ago. */
  async retryOnce<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (this.translateError(error)?.code !== 'CONNECTION_FAILED') throw error;
    }
    return read();
  }

  translateError(error: unknown): TokenStoreError | undefined {
    const failure = translateError(error, this.#options.server);
    return failure?.code === 'CONNECTION_FAILED' ? (this.#refused ?? failure) : failure;
  }

  /** Nothing is in flight any more: a store waits for that. */
  close(): void {
    this.#own?.disconnect();
    this.#own = undefined;
    this.#client = undefined;
    this.#ready = undefined;
  }

  #send(command: string, args: string[]): Promise<unknown> {
    if (this.#client === undefined) throw new Error('the store is not open');
    if (this.#own === undefined && this.#client.status === 'end') {
      throw new TokenStoreError(
        'HANDLE_CLOSED',
        'The Redis client that the store was given is closed. Give the store an open one, and close the store before its client.',
      );
    }
    // What is sent in one turn is written in one piece; a `Cluster` has a stream for each node.
    if (this.#own !== undefined && 'stream' in this.#own) writeTogether(this.#own.stream);
    return this.#deadline.for(this.#client.call(command, args), this.#timeoutError);
  }

  readonly #timeoutError = (): TokenStoreError => {
    const { server, timeout } = this.#options;
    const isConnected = this.#own === undefined || this.#own.status === 'ready';
    const reason = isConnected ? undefined : (this.#refused ?? this.translateError(this.#reason));
    if (reason?.retryable === false) return reason;
    return new TokenStoreError(
      'TIMEOUT',
      isConnected
        ? `Redis (${server}) did not answer within ${timeout} ms. See that it is not overloaded and try again; a save may or may not have happened.`
        : `There was no connection to Redis (${server}) within ${timeout} ms. See that it runs and is reachable, then try again; a save may or may not have happened.`,
    );
  };
}

/** Whether a command was not sent: a client of the store's own keeps none for later. */
function isUnsent(error: unknown): boolean {
  return error instanceof Error && error.message.includes('enableOfflineQueue options is false');
}

function writeTogether(stream: Writable | undefined): void {
  if (stream === undefined || stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}
