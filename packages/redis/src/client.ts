import { isDeepStrictEqual } from 'node:util';
import { invalidOption, loadDriver } from '@tokenkeep/core/adapter';
import { addressIn, isLoopback, tlsRequired } from '@tokenkeep/core/adapter/server';
import type { Cluster, ClusterNode, NatMap, Redis, RedisOptions } from 'ioredis';
import { errorWord } from './errors.ts';
import type { RedisTokenStoreOptions } from './options.ts';

/**
 * Makes a client, which does not connect by itself.
 *
 * @param onError is told why there is no connection: `TLS_REQUIRED` for a host that a Sentinel or a
 *   node named, and to which tokens would go in the clear
 */
export type MakeClient = (onError: (error: unknown) => void) => Promise<Redis | Cluster>;

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
export function makerOf({
  url = 'redis://localhost',
  nodes,
  options,
  tls,
}: RedisTokenStoreOptions): { client: MakeClient; server: string } {
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
  const { path, sentinels, natMap } = redisOptions;
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
    client: async (onError) => {
      if (onlyLoopback) redisOptions.natMap = loopbackOnly(natMap, onError);
      const client = await makeClient(redisOptions, nodes && urls);
      // Without a listener they would be printed.
      return client.on('error', onError);
    },
    server: path ?? servers.map((server) => `${server.host}:${server.port}`).join(),
  };
}

function serverIn(given: string | URL): RedisOptions & { host: string; port: number } {
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

async function makeClient(
  redisOptions: RedisOptions,
  nodes: ClusterNode[] | undefined,
): Promise<Redis | Cluster> {
  const driver = await loadDriver('ioredis', () => import('ioredis'));
  const { natMap, tls } = redisOptions;
  const options = { ...redisOptions, replyMapping: 'legacy' } as const;
  try {
    if (nodes === undefined) return new driver.Redis(options);
    return new driver.Cluster(nodes, {
      lazyConnect: true,
      enableOfflineQueue: false,
      retryDelayOnFailover: 0,
      ...(natMap && { natMap }),
      // A certificate is for the name of a node, which would be lost if it were looked up first.
      ...(tls && { dnsLookup: (name, found) => found(null, name) }),
      redisOptions: options,
    });
  } catch {
    throw invalidOption('options', 'are refused by ioredis');
  }
}

function loopbackOnly(given: NatMap | undefined, onError: (error: unknown) => void): NatMap {
  return (address) => {
    const colon = address.lastIndexOf(':');
    const named = { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
    const mapped = (typeof given === 'function' ? given(address) : given?.[address]) ?? named;
    if (isLoopback(mapped.host)) return mapped;
    onError(tlsRequired(mapped.host));
    // Where nothing listens: to throw here would end the process.
    return { host: '127.0.0.1', port: 1 };
  };
}
