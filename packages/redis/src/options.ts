import { isDeepStrictEqual } from 'node:util';
import { invalidOption, requireKnownOptions, requireTimeout } from '@tokenkeep/core/adapter';
import { addressIn, isLoopback, tlsRequired } from '@tokenkeep/core/adapter/server';
import type { RedisOptions } from 'ioredis';
import { errorWord } from './errors.ts';

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
  /** The client that was handed in, or what to connect to. */
  readonly client: RedisClient | Target;
}

/** What to connect to, and how. */
export interface Target {
  readonly redisOptions: RedisOptions;
  /** Of a Cluster. */
  readonly nodes: readonly Server[] | undefined;
  /** Whether connections are in the clear, so that no other machine may be followed to. */
  readonly onlyLoopback: boolean;
}

interface Server {
  readonly host: string;
  readonly port: number;
}

/** What differs from ioredis' own defaults. */
const DEFAULTS: RedisOptions = {
  connectTimeout: 5_000,
  retryStrategy: (times) => Math.min(times * 100, 500),
  // After a failover the same name leads to another server, which only a new connection reaches.
  reconnectOnError: (error) => errorWord(error) === 'READONLY',
};

/** What the store relies on: a command is sent once, on a connection that is there, or fails. */
const FIXED: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  // With `tls`, and only then, the servers that a Sentinel names are spoken to in TLS too.
  enableTLSForSentinelMode: true,
};

/** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
export function checkOptions(given: RedisTokenStoreOptions): CheckedOptions {
  const names = ['url', 'nodes', 'client', 'options', 'prefix', 'timeout', 'tls'];
  requireKnownOptions('RedisTokenStore', given, names, "{ url: 'rediss://user:password@host' }");
  const { url, nodes, client, options, prefix = 'tokenkeep:', timeout = 10_000, tls } = given;
  if ([url, nodes, client].filter((way) => way !== undefined).length > 1) {
    throw invalidOption('url', 'is given together with nodes or client: give one of them');
  }
  if (tls !== undefined && tls !== false) {
    throw invalidOption('tls', 'can only be false: for TLS give a rediss:// URL or options.tls');
  }
  const checked = { keys: keysUnder(prefix), timeout: requireTimeout(timeout) };
  if (client === undefined) return { ...checked, ...targetOf(given) };
  if (options !== undefined) {
    throw invalidOption('options', 'are given together with a client, which has its own');
  }
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

function targetOf({
  url = 'redis://localhost',
  nodes,
  options,
  tls,
}: RedisTokenStoreOptions): Pick<CheckedOptions, 'client' | 'server'> {
  if (nodes !== undefined && !Array.isArray(nodes)) {
    throw invalidOption('nodes', 'must be a list of URLs');
  }
  const urls = (nodes ?? [url]).map(serverIn);
  const [first] = urls;
  if (first === undefined) throw invalidOption('nodes', 'must name one node at least');
  const { host, port } = first;
  // The nodes are spoken to alike, those too that these tell of.
  if (!urls.every((each) => isDeepStrictEqual({ ...each, host, port }, first))) {
    throw invalidOption('nodes', 'must differ in host and port only');
  }
  const redisOptions: RedisOptions = { ...DEFAULTS, ...first, ...options, ...FIXED };
  const { path, sentinels } = redisOptions;
  if (sentinels && !Array.isArray(sentinels)) {
    throw invalidOption('options', 'must have sentinels as a list');
  }
  // Whatever the environment says.
  if (redisOptions.tls && tls !== false) {
    redisOptions.tls = { rejectUnauthorized: true, ...redisOptions.tls };
  }
  redisOptions.sentinelTLS ??= redisOptions.tls;
  const ways = sentinels ? [redisOptions.tls, redisOptions.sentinelTLS] : [redisOptions.tls];
  const onlyLoopback = tls !== false && !ways.every((way) => way?.rejectUnauthorized);
  const servers = sentinels ?? (nodes ? urls : path ? [] : [redisOptions]);
  const remote = servers.find((server) => !isLoopback(server.host ?? 'localhost'));
  if (onlyLoopback && remote !== undefined) throw tlsRequired(String(remote.host));
  return {
    client: { redisOptions, nodes: nodes && urls, onlyLoopback },
    server: path ?? servers.map((server) => `${server.host}:${server.port}`).join(),
  };
}

function serverIn(given: string | URL): RedisOptions & Server {
  const form =
    'redis://user:password@host:6379/0 or rediss://..., with user and password percent-encoded';
  const { address, settings } = addressIn(given, ['redis:', 'rediss:'], form);
  if (settings.size > 0) {
    throw invalidOption('url', 'has settings after a question mark: give them in options');
  }
  const { host = 'localhost', port = 6379, user, password, database = '0' } = address;
  if (!/^\d+$/.test(database)) throw invalidOption('url', 'has a database that is no number');
  const isInTls = String(given).startsWith('rediss:');
  return {
    host,
    port,
    username: user,
    password,
    db: Number(database),
    tls: isInTls ? {} : undefined,
  };
}
