import type { Writable } from 'node:stream';
import { ERROR_CODES, TokenStoreError } from '@tokenkeep/core';
import { Deadline } from '@tokenkeep/core/adapter/server';
import type { Cluster, Redis } from 'ioredis';
import { translateError } from './errors.ts';
import type { CheckedOptions } from './options.ts';
import type { Script } from './scripts.ts';

/** Sends commands, each once, through the client that a store makes or that it was handed. */
export class Connection {
  readonly #options: CheckedOptions;
  readonly #deadline: Deadline;
  /** The client, if the store made it. */
  #own: Redis | Cluster | undefined;
  #ready: Promise<void> | undefined;
  /** What went wrong with the connection last: a call that waits for one is not told. */
  #reason: unknown;

  constructor(options: CheckedOptions) {
    this.#options = options;
    this.#deadline = new Deadline(options.timeout, options.server);
  }

  async open(): Promise<void> {
    const { client } = this.#options;
    if (typeof client !== 'function') return;
    this.#reason = undefined;
    const own = await client((error) => {
      if (!(this.#reason instanceof TokenStoreError)) this.#reason = error;
    });
    this.#own = own;
    const connected = own.connect().catch((error) => {
      throw this.#reason ?? error;
    });
    await this.#deadline.for(connected, this.#timeoutError);
  }

  /** By digest; a server that was restarted, or forgot its scripts, is told the script again. Errors are the driver's. */
  async run(script: Script, args: readonly string[]): Promise<unknown> {
    const keysAndArgs = ['2', ...this.#options.keys, ...args];
    try {
      return await this.#call('evalsha', [script.sha, ...keysAndArgs]);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    }
    return this.#call('eval', [script.text, ...keysAndArgs]);
  }

  /** The same for what changes nothing: once more if the connection broke, perhaps long ago. */
  async read(command: Script | 'hmget' | 'zrange', args: string[]): Promise<string[]> {
    const send = () =>
      typeof command === 'string' ? this.#call(command, args) : this.run(command, args);
    const reply = await send().catch((error) => {
      if (this.translateError(error)?.code !== 'CONNECTION_FAILED') throw error;
      return send();
    });
    if (!Array.isArray(reply)) throw new Error('the reply is no list');
    return reply.map((value) => (typeof value === 'string' ? value : ''));
  }

  translateError(error: unknown): TokenStoreError | undefined {
    const { client, server } = this.#options;
    const failure = translateError(error, server);
    if (failure?.code !== 'CONNECTION_FAILED') return failure;
    if (typeof client !== 'function' && client.status === 'end') {
      return new TokenStoreError('HANDLE_CLOSED', ERROR_CODES.HANDLE_CLOSED);
    }
    return this.#reason instanceof TokenStoreError ? this.#reason : failure;
  }

  /** Nothing is in flight any more: a store waits for that. */
  close(): void {
    this.#own?.disconnect();
    this.#own = undefined;
    this.#ready = undefined;
  }

  async #call(command: string, args: string[]): Promise<unknown> {
    const own = this.#own;
    if (own !== undefined) await this.#whenWritable(own);
    const client = own ?? this.#options.client;
    if (typeof client === 'function') throw new Error('the store is not open');
    return this.#deadline.for(client.call(command, args), this.#timeoutError);
  }

  /** A client of the store's own keeps no command until it is connected: it could come late. */
  async #whenWritable(own: Redis | Cluster): Promise<void> {
    // A `Cluster` has a stream for each node.
    const stream = 'stream' in own ? own.stream : undefined;
    if (own.status === 'ready' && stream?.writable !== false) {
      if (stream !== undefined) writeTogether(stream);
      return;
    }
    // What ended by the user's own retryStrategy is begun anew.
    if (own.status === 'end') own.connect().catch(() => {});
    this.#ready ??= new Promise((resolve) => {
      own.once('ready', () => {
        this.#ready = undefined;
        resolve();
      });
    });
    await this.#deadline.for(this.#ready, this.#timeoutError);
  }

  readonly #timeoutError = (): TokenStoreError => {
    const isConnected = this.#own === undefined || this.#own.status === 'ready';
    const reason = isConnected ? undefined : this.translateError(this.#reason);
    if (reason?.retryable === false) return reason;
    // A connection that fell silent is replaced: the network does not tell that the other side is gone.
    if (isConnected) this.#own?.disconnect(true);
    return this.#deadline.noAnswer();
  };
}

/** What is sent in one turn is written in one piece. */
function writeTogether(stream: Writable): void {
  if (stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}
