import { invalidOption, loadDriver } from '@tokenkeep/core/adapter';
import { isLoopback } from '@tokenkeep/core/adapter/server';
import type { Cluster, NatMap, Redis } from 'ioredis';
import type { Target } from './options.ts';

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
