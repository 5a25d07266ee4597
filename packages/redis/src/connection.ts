import type { Writable } from 'node:stream';
import { TokenStoreError } from '@tokenkeep/core';
import { Deadline, tlsRequired } from '@tokenkeep/core/adapter/server';
import { Redis } from 'ioredis';
import { translateError } from './errors.ts';
import type { CheckedOptions, OwnClient, RedisClient } from './options.ts';
import type { Script } from './scripts.ts';

/** The client that a store speaks through: its own, or one that it was handed. */
export class Connection {
  readonly #options: CheckedOptions;
  readonly #deadline: Deadline;
  #client: RedisClient | undefined;
  #own: OwnClient | undefined;
  #ready: Promise<void> | undefined;
  /** What went wrong with the connection last: a call that waits for one is not told. */
  #reason: unknown;
  #refusedHost: string | undefined;

  constructor(options: CheckedOptions) {
    this.#options = options;
    this.#client = options.client;
    this.#deadline = new Deadline(options.timeout);
  }

  async open(): Promise<void> {
    const client = this.#options.makeClient?.((host) => {
      this.#refusedHost = host;
    });
    if (client === undefined) return;
    this.#own = client;
    this.#client = client;
    this.#reason = undefined;
    // Without a listener they would be printed.
    client.on('error', (error: unknown) => {
      this.#reason = error;
    });
    try {
      await this.#deadline.for(client.connect(), this.#timeoutError);
    } catch (error) {
      this.close();
      throw this.#reason ?? error;
    }
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
    const { keys } = this.#options;
    try {
      return await this.call('evalsha', [script.sha, '2', ...keys, ...args]);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    }
    return this.call('eval', [script.text, '2', ...keys, ...args]);
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
    const closed = this.#handleClosed();
    if (closed !== undefined) return closed;
    const failure = translateError(error, this.#options.server);
    if (failure?.code !== 'CONNECTION_FAILED' || this.#refusedHost === undefined) return failure;
    return tlsRequired(this.#refusedHost);
  }

  /** Nothing is in flight any more: a store waits for that. */
  close(): void {
    this.#own?.disconnect();
    this.#own = undefined;
    this.#ready = undefined;
    this.#client = this.#options.client;
  }

  #send(command: string, args: string[]): Promise<unknown> {
    if (this.#client === undefined) throw new Error('the store is not open');
    // What is sent in one turn is written in one piece; `Cluster` has a stream for each node.
    if (this.#own instanceof Redis) writeTogether(this.#own.stream);
    return this.#deadline.for(this.#client.call(command, args), this.#timeoutError);
  }

  #handleClosed(): TokenStoreError | undefined {
    if (this.#own !== undefined || this.#client?.status !== 'end') return undefined;
    return new TokenStoreError(
      'HANDLE_CLOSED',
      'The Redis client that the store was given is closed. Give the store an open one, and close the store before its client.',
    );
  }

  readonly #timeoutError = (): TokenStoreError => {
    const { server, timeout } = this.#options;
    const closed = this.#handleClosed();
    if (closed !== undefined) return closed;
    if (this.#client?.status === 'ready') {
      return new TokenStoreError(
        'TIMEOUT',
        `Redis (${server}) did not answer within ${timeout} ms. See that it is not overloaded and try again; a save may or may not have happened.`,
      );
    }
    if (this.#refusedHost !== undefined) return tlsRequired(this.#refusedHost);
    const reason = translateError(this.#reason, server);
    if (reason?.retryable === false) return reason;
    return new TokenStoreError(
      'TIMEOUT',
      `There was no connection to Redis (${server}) within ${timeout} ms. See that it runs and is reachable, then try again; a save may or may not have happened.`,
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
