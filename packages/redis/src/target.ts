import { invalidOption, loadDriver } from '@tokenkeep/core/adapter';
import { addressIn, isLoopback, tlsRequired } from '@tokenkeep/core/adapter/server';
import type { Cluster, NatMap, Redis, RedisOptions } from 'ioredis';
import { errorWord } from './errors.ts';
import type { RedisTokenStoreOptions } from './options.ts';

/** What to connect to, and how. */
export interface Target {
  readonly redisOptions: RedisOptions;
  /** Of a Cluster. */
  readonly nodes: readonly { host: string; port: number }[] | undefined;
  /** For messages. */
  readonly places: readonly string[];
  /** Whether connections are in the clear, so that no other machine may be followed to. */
  readonly onlyLoopback: boolean;
}

/** What differs from ioredis' own defaults. */
const DEFAULTS: RedisOptions = {
  connectTimeout: 5_000,
  // A connection that fell silent is replaced: the network does not tell that the other side is gone.
  socketTimeout: 15_000,
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
export function targetOf({ url, nodes, options, tls }: RedisTokenStoreOptions): Target {
  if (nodes !== undefined && !Array.isArray(nodes)) {
    throw invalidOption('nodes', 'must be a list of URLs');
  }
  const urls = (nodes ?? [url ?? 'redis://localhost']).map(serverIn);
  const [first] = urls;
  if (first === undefined) throw invalidOption('nodes', 'must name one node at least');
  const { host, port, inTls, user, password, database = '0' } = first;
  // The nodes are spoken to alike, those too that these tell of.
  if (urls.some((u) => u.inTls !== inTls || u.user !== user || u.password !== password)) {
    throw invalidOption('nodes', 'must all be rediss:// or all redis://, of one user and password');
  }
  const redisOptions: RedisOptions = {
    ...DEFAULTS,
    ...{ host, port, username: user, password, db: Number(database) },
    ...(inTls && { tls: {} }),
    ...options,
    ...FIXED,
  };
  const { sentinels } = redisOptions;
  if (sentinels && !Array.isArray(sentinels)) {
    throw invalidOption('options', 'must have sentinels as a list');
  }
  const isSecure = checkCertificates(redisOptions, tls);
  const single = redisOptions.path ? [] : [{ host: redisOptions.host, port: redisOptions.port }];
  const servers = sentinels ?? (nodes ? urls : single);
  const remote = servers.find((server) => !isLoopback(server.host ?? 'localhost'));
  const onlyLoopback = tls !== false && !isSecure;
  if (onlyLoopback && remote !== undefined) throw tlsRequired(String(remote.host));
  return {
    redisOptions,
    nodes: nodes && urls.map((each) => ({ host: each.host, port: each.port })),
    places: redisOptions.path ? [redisOptions.path] : servers.map((s) => `${s.host}:${s.port}`),
    onlyLoopback,
  };
}

function serverIn(given: string | URL) {
  const form =
    'redis://user:password@host:6379/0 or rediss://..., with user and password percent-encoded';
  const { address, settings } = addressIn(given, ['redis:', 'rediss:'], form);
  if (settings.size > 0) {
    throw invalidOption('url', 'has settings after a question mark: give them in options');
  }
  const { host = 'localhost', port = 6379, user, password, database } = address;
  if (!/^\d*$/.test(database ?? '')) {
    throw invalidOption('url', 'has a database that is no number');
  }
  return { host, port, user, password, database, inTls: String(given).startsWith('rediss:') };
}

/** @returns whether all connections are in TLS, and certificates are checked */
function checkCertificates(options: RedisOptions, tls: false | undefined): boolean {
  // Whatever the environment says.
  if (options.tls && tls !== false) options.tls = { rejectUnauthorized: true, ...options.tls };
  options.sentinelTLS ??= options.tls;
  const ways = options.sentinels ? [options.tls, options.sentinelTLS] : [options.tls];
  return ways.every((way) => way?.rejectUnauthorized);
}

/**
 * Makes a client, which does not connect by itself.
 *
 * @param onRefused is told of a host that a Sentinel or a node named, and to which tokens would go
 *   in the clear: it is not connected to
 */
export async function makeClient(
  { redisOptions, nodes, onlyLoopback }: Target,
  onRefused: (host: string) => void,
): Promise<Redis | Cluster> {
  const driver = await loadDriver('ioredis', () => import('ioredis'));
  const natMap = onlyLoopback ? loopbackOnly(redisOptions.natMap, onRefused) : redisOptions.natMap;
  const options = {
    ...redisOptions,
    ...(natMap && { natMap }),
    replyMapping: 'legacy',
  } as const;
  try {
    if (nodes === undefined) return new driver.Redis(options);
    return new driver.Cluster([...nodes], {
      lazyConnect: true,
      enableOfflineQueue: false,
      retryDelayOnFailover: 0,
      ...(natMap && { natMap }),
      // A certificate is for the name of a node, which would be lost if it were looked up first.
      ...(options.tls && { dnsLookup: (name, found) => found(null, name) }),
      redisOptions: options,
    });
  } catch {
    throw invalidOption('options', 'are refused by ioredis');
  }
}

function loopbackOnly(given: NatMap | undefined, onRefused: (host: string) => void): NatMap {
  return (address) => {
    const colon = address.lastIndexOf(':');
    const named = { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
    const mapped = (typeof given === 'function' ? given(address) : given?.[address]) ?? named;
    if (isLoopback(mapped.host)) return mapped;
    onRefused(mapped.host);
    // Where nothing listens: to throw here would end the process.
    return { host: '127.0.0.1', port: 1 };
  };
}
