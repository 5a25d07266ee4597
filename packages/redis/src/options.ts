import { invalidOption } from '@tokenkeep/core/adapter';
import { isLoopback, tlsRequired } from '@tokenkeep/core/adapter/server';
import { Cluster, Redis, type RedisOptions } from 'ioredis';

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
  url?: string;
  /** A Cluster: the URLs of some of its nodes; the others are found through them. In place of `url`. */
  nodes?: readonly string[];
  /** A client of yours, `Redis` or `Cluster`: it is used and never closed. In place of `url`. */
  client?: RedisClient;
  /**
   * More settings of the connections that the store makes and closes, in the words of ioredis:
   * `sentinels` and `name`, `username`, `password`, `tls`, `connectTimeout`, `maxRetriesPerRequest`, ...
   */
  settings?: RedisOptions;
  /**
   * The store is the hash with the key `<prefix>oauthtoken`; nothing else is touched. A hash tag
   * such as `{app}:` says in which slot of a Cluster it is.
   *
   * @default 'tokenkeep:'
   */
  prefix?: string;
  /**
   * How long one step may take, a reconnection in it included: milliseconds.
   *
   * @default 10_000
   */
  timeout?: number;
  /** `false`: allow a connection without TLS, or with an unchecked certificate, to another host than this machine. */
  tls?: false;
}

/** A client that the store made itself. */
export type OwnClient = Redis | Cluster;

/** The options, checked. */
export interface CheckedOptions {
  readonly key: string;
  readonly timeout: number;
  /** The client that was handed in; else what makes one, which does not connect by itself. */
  readonly client: RedisClient | (() => OwnClient);
}

/** What differs from ioredis' own defaults. */
const DEFAULTS: RedisOptions = {
  connectTimeout: 5_000,
  // A connection that fell silent is replaced: the network does not tell that the other side is gone.
  socketTimeout: 15_000,
  // Together with ioredis' 20 tries: what waits for a server is given up after nine seconds.
  retryStrategy: (times) => Math.min(times * 100, 500),
  // With `tls`, and only then, the servers that a Sentinel names are spoken to in TLS too.
  enableTLSForSentinelMode: true,
};

/** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
export function checkOptions(options: RedisTokenStoreOptions): CheckedOptions {
  const { url, nodes, client, settings, prefix = 'tokenkeep:', timeout = 10_000, tls } = options;
  if ([url, nodes, client].filter((way) => way !== undefined).length > 1) {
    throw invalidOption('url', 'is given together with nodes or client: give one of them');
  }
  if (typeof prefix !== 'string' || !prefix.isWellFormed() || prefix.length > 200) {
    throw invalidOption('prefix', 'must be a string of up to 200 characters');
  }
  if (tls !== undefined && tls !== false) {
    throw invalidOption(
      'tls',
      'can only be false: turn TLS on with a rediss:// URL or in settings.tls',
    );
  }
  const checked = { key: `${prefix}oauthtoken`, timeout };
  if (client !== undefined) {
    if (typeof client?.call !== 'function')
      throw invalidOption('client', 'is no client of ioredis: it has no method call');
    if (settings !== undefined)
      throw invalidOption('settings', 'are given together with a client, which has its own');
    return { ...checked, client };
  }
  const connect =
    nodes === undefined
      ? () => clientOf(url ?? 'redis://localhost:6379', settings, tls)
      : () => clusterOf(nodes, settings, tls);
  // Nothing connects yet: this is to refuse now what can not be used later.
  connect();
  return { ...checked, client: connect };
}

function clientOf(url: string, settings: RedisOptions | undefined, tls: false | undefined): Redis {
  if (typeof url !== 'string' || !/^rediss?:\/\//i.test(url)) {
    throw invalidOption('url', 'must begin with redis:// or rediss://');
  }
  let client: Redis;
  try {
    client = new Redis(url, {
      ...DEFAULTS,
      ...settings,
      replyMapping: 'legacy',
      lazyConnect: true,
    });
  } catch {
    // The client's own message may hold the password.
    throw invalidOption(
      'url',
      'or settings are refused by ioredis: see that what stands in them is percent-encoded',
    );
  }
  secure(client.options, tls);
  return client;
}

function clusterOf(
  nodes: readonly string[],
  settings: RedisOptions | undefined,
  tls: false | undefined,
): Cluster {
  const resolved = Array.isArray(nodes)
    ? nodes.map((url) => clientOf(url, settings, tls).options)
    : [];
  const [first] = resolved;
  if (first === undefined) throw invalidOption('nodes', 'must be a list of URLs');
  return new Cluster(
    resolved.map(({ host, port }) => ({ host, port })),
    {
      lazyConnect: true,
      // A certificate is for the name of a node, which would be lost if it were looked up first.
      ...(first.tls ? { dnsLookup: (name, found) => found(null, name) } : {}),
      // The nodes that these tell of are spoken to as the first of these is.
      redisOptions: {
        ...DEFAULTS,
        ...settings,
        replyMapping: 'legacy',
        username: first.username,
        password: first.password,
        tls: first.tls,
      },
    },
  );
}

/** Has certificates checked, whatever the environment says; refuses what would go in the clear. */
function secure(options: RedisOptions, tls: false | undefined): void {
  if (options.sentinels) options.sentinelTLS ??= options.tls;
  if (tls === false) return;
  if (options.tls) options.tls = { rejectUnauthorized: true, ...options.tls };
  if (options.sentinelTLS)
    options.sentinelTLS = { rejectUnauthorized: true, ...options.sentinelTLS };
  const hosts = options.sentinels
    ? options.sentinels.map(({ host }) => host)
    : options.path
      ? []
      : [options.host];
  const isSecure =
    options.tls?.rejectUnauthorized === true &&
    (!options.sentinels ||
      (options.enableTLSForSentinelMode && options.sentinelTLS?.rejectUnauthorized === true));
  if (isSecure) return;
  for (const host of hosts) {
    if (host !== undefined && !isLoopback(host)) throw tlsRequired(host);
  }
}
