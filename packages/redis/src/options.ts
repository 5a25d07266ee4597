import {
  invalidOption,
  refuseTogether,
  requireFalseIfGiven,
  requireKnownOptions,
  requireTimeout,
} from '@tokenkeep/core/adapter';
import type { RedisOptions } from 'ioredis';
import { type MakeClient, makerOf } from './client.ts';

/** What is used of a client of ioredis: both `Redis` and `Cluster` have it. */
export interface RedisClient {
  call(command: string, args: string[]): Promise<unknown>;
  readonly status?: string;
}

/** Options of `RedisTokenStore`. */
export interface RedisTokenStoreOptions {
  /**
   * One server: `redis://user:password@host:port/db`, with TLS `rediss://...`.
   *
   * @default 'redis://localhost:6379'
   */
  url?: string | URL;
  /** A Cluster: the URLs of some of its nodes; the others are found through them. In place of `url`. */
  nodes?: readonly (string | URL)[];
  /**
   * A client of yours, which is used and never closed. In place of `url`. It must not send a command
   * twice: a `Redis` with `maxRetriesPerRequest: 0`, or a `Cluster` with `retryDelayOnFailover: 0`.
   */
  client?: RedisClient;
  /**
   * More settings of the connections that the store makes and closes, in the words of ioredis:
   * `sentinels` and `name`, `username`, `password`, `tls`, `connectTimeout`, ... They go before what
   * the `url` says.
   */
  options?: RedisOptions;
  /**
   * The store is the two keys `<prefix>oauthtoken` and `{<prefix>oauthtoken}:order`; nothing else is
   * touched. With a hash tag, such as `{app}:`, which says in which slot of a Cluster it is, the
   * second is `<prefix>oauthtoken:order`.
   *
   * @default 'tokenkeep:'
   */
  prefix?: string;
  /**
   * How long to wait for a connection, and how long for the answer to one step: milliseconds.
   *
   * @default 10_000
   */
  timeout?: number;
  /** `false`: allow a connection without TLS, or with an unchecked certificate, to another host than this machine. */
  tls?: false;
}

/** Options that were checked. */
export interface CheckedOptions {
  /** Of the hash, and of the order: in one slot of a Cluster. */
  readonly keys: readonly [hash: string, order: string];
  readonly timeout: number;
  /** Where it is, for messages. */
  readonly server: string;
  /** The client that was handed in, or what makes one. */
  readonly client: RedisClient | MakeClient;
}

/** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
export function checkOptions(given: RedisTokenStoreOptions): CheckedOptions {
  const names = ['url', 'nodes', 'client', 'options', 'prefix', 'timeout', 'tls'];
  requireKnownOptions('RedisTokenStore', given, names, "{ url: 'rediss://user:password@host' }");
  refuseTogether(given, 'client', 'url', 'nodes', 'options');
  refuseTogether(given, 'nodes', 'url');
  const { client, prefix = 'tokenkeep:', timeout = 10_000, tls } = given;
  requireFalseIfGiven(tls, 'for TLS give a rediss:// URL or options.tls');
  const checked = { keys: keysUnder(prefix), timeout: requireTimeout(timeout) };
  if (client === undefined) return { ...checked, ...makerOf(given) };
  requireSendingOnce(client);
  return { ...checked, client, server: 'the given client' };
}

function keysUnder(prefix: unknown): [hash: string, order: string] {
  if (typeof prefix !== 'string' || !prefix.isWellFormed() || prefix.length > 200) {
    throw invalidOption('prefix', 'must be a string of up to 200 characters');
  }
  const hash = `${prefix}oauthtoken`;
  if (/^[^{]*\{[^}]+\}/.test(hash)) return [hash, `${hash}:order`];
  if (!/[{}]/.test(hash)) return [hash, `{${hash}}:order`];
  throw invalidOption('prefix', 'has a brace that is not of a hash tag, such as {app}:');
}

/** A save that is sent a second time after others would bring back what they deleted meanwhile. */
function requireSendingOnce(
  client: RedisClient & { readonly options?: object; readonly isCluster?: boolean },
): void {
  if (typeof client?.call !== 'function') {
    throw invalidOption('client', 'is no client of ioredis: it has no method call');
  }
  const name = client.isCluster ? 'retryDelayOnFailover' : 'maxRetriesPerRequest';
  if (client.options === undefined || Object(client.options)[name] === 0) return;
  throw invalidOption(
    'client',
    `sends commands again when a connection breaks, which could undo what others did meanwhile: make it with ${name}: 0`,
  );
}
