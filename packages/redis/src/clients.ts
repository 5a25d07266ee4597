import { TokenStoreError } from '@tokenkeep/core';
import { invalidOption } from '@tokenkeep/core/adapter';
import { isLoopback, tlsRequired } from '@tokenkeep/core/adapter/server';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { errorWord } from './errors.ts';

/** How to make a client. */
export interface ClientSettings {
  readonly options: RedisOptions | undefined;
  /** Whether to connect without TLS to another host than this machine. */
  readonly mayBeInTheClear: boolean;
  /** Is told of a host that a Sentinel or a node named, and that is not connected to for that reason. */
  readonly onRefused: (host: string) => void;
}

/** What differs from ioredis' own defaults. */
const DEFAULTS: RedisOptions = {
  connectTimeout: 5_000,
  // A connection that fell silent is replaced: the network does not tell that the other side is gone.
  socketTimeout: 15_000,
  retryStrategy: (times) => Math.min(times * 100, 500),
  // With `tls`, and only then, the servers that a Sentinel names are spoken to in TLS too.
  enableTLSForSentinelMode: true,
  // After a failover the same name leads to another server, which only a new connection reaches.
  reconnectOnError: (error) => errorWord(error) === 'READONLY',
};

/** What the store relies on: a command is sent once, on a connection that is there, or fails. */
const FIXED: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
};

/** @throws TokenStoreError `INVALID_OPTION`, without the URL, which may hold a password; `TLS_REQUIRED` */
export function clientOf(given: string | URL, settings: ClientSettings): Redis {
  const text = String(given);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^rediss?:$/.test(url.protocol) || !/^\/?\d*$/.test(url.pathname)) {
    throw invalidOption(
      'url',
      'must be like redis://user:password@host:6379/0 or rediss://..., with user and password percent-encoded',
    );
  }
  if ([...url.searchParams.keys()].some((name) => name !== 'family')) {
    throw invalidOption('url', 'has settings after a question mark: give them in options');
  }
  let client: Redis;
  try {
    client = new Redis(text, {
      ...DEFAULTS,
      ...settings.options,
      ...FIXED,
      replyMapping: 'legacy',
    });
    secure(client.options, settings);
  } catch (error) {
    if (error instanceof TokenStoreError) throw error;
    throw invalidOption('url', 'or options are refused by ioredis');
  }
  return client;
}

/** @throws TokenStoreError as `clientOf` does */
export function clusterOf(nodes: readonly (string | URL)[], settings: ClientSettings): Cluster {
  if (!Array.isArray(nodes)) throw invalidOption('nodes', 'must be a list of URLs');
  const resolved = nodes.map((url) => clientOf(url, settings).options);
  const [first] = resolved;
  if (first === undefined) throw invalidOption('nodes', 'must name one node at least');
  const { username, password, tls, natMap } = first;
  // The nodes are spoken to alike, those too that these tell of.
  const isAlike = (node: RedisOptions) =>
    node.username === username && node.password === password && !node.tls === !tls;
  if (!resolved.every(isAlike)) {
    throw invalidOption('nodes', 'must all be rediss:// or all redis://, of one user and password');
  }
  return new Cluster(
    resolved.map(({ host, port }) => ({ host, port })),
    {
      lazyConnect: true,
      enableOfflineQueue: false,
      retryDelayOnFailover: 0,
      ...(natMap && { natMap }),
      // A certificate is for the name of a node, which would be lost if it were looked up first.
      ...(tls && { dnsLookup: (name, found) => found(null, name) }),
      redisOptions: {
        ...DEFAULTS,
        ...settings.options,
        ...FIXED,
        replyMapping: 'legacy',
        username,
        password,
        tls,
      },
    },
  );
}

/** Has certificates checked, whatever the environment says; refuses what would go in the clear. */
function secure(options: RedisOptions, { mayBeInTheClear, onRefused }: ClientSettings): void {
  const { sentinels, natMap } = options;
  if (sentinels) options.sentinelTLS ??= options.tls;
  if (mayBeInTheClear) return;
  if (options.tls) options.tls = { rejectUnauthorized: true, ...options.tls };
  if (options.sentinelTLS) {
    options.sentinelTLS = { rejectUnauthorized: true, ...options.sentinelTLS };
  }
  const main = sentinels && !options.enableTLSForSentinelMode ? undefined : options.tls;
  const ways = sentinels ? [main, options.sentinelTLS] : [main];
  if (ways.every((way) => way?.rejectUnauthorized)) return;
  for (const { host } of sentinels ?? (options.path ? [] : [options])) {
    if (host !== undefined && !isLoopback(host)) throw tlsRequired(host);
  }
  options.natMap = (address) => {
    const colon = address.lastIndexOf(':');
    const named = { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
    const mapped = (typeof natMap === 'function' ? natMap(address) : natMap?.[address]) ?? named;
    if (isLoopback(mapped.host)) return mapped;
    onRefused(mapped.host);
    // Where nothing listens: to throw here would end the process.
    return { host: '127.0.0.1', port: 1 };
  };
}
