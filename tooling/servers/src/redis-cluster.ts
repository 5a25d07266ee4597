import { freePort } from './free-port.ts';
import type { Lifecycle } from './lifecycle.ts';
import {
  type LaunchRedis,
  launchRedis,
  type RedisOptions,
  type RedisServer,
  redisServerAt,
  waysToRedis,
} from './redis.ts';
import { startTogether, stopAll } from './start-together.ts';
import type { ServerSource } from './test-server.ts';
import { until } from './until.ts';
import { firstThatWorks, NamedInEnvironment } from './ways.ts';

/** A Redis Cluster: masters that share the hash slots between them. */
export class RedisCluster implements AsyncDisposable {
  readonly name = 'Redis Cluster';
  readonly version: string;
  readonly source: ServerSource;
  /** Each can be killed and restarted by itself. */
  readonly nodes: readonly RedisServer[];

  constructor(nodes: readonly RedisServer[]) {
    const [first] = nodes;
    if (first === undefined) throw new Error('A cluster has one node at least.');
    this.nodes = nodes;
    this.version = first.version;
    this.source = first.source;
  }

  /** The URL of every node; a client needs only one of them that answers. */
  get urls(): string[] {
    return this.nodes.map((node) => node.url);
  }

  /** Kills every node. */
  async kill(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
  }

  /** Restarts every node, and waits until the cluster serves all slots again. */
  async restart(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.restart()));
    await this.ready();
  }

  /** Waits until every node knows of all others and all slots are served. */
  async ready(): Promise<void> {
    for (const node of this.nodes) {
      await until(`${node.url} sees the whole cluster`, async () => {
        const info = String(await node.command('CLUSTER', 'INFO'));
        return (
          info.includes('cluster_state:ok') &&
          info.includes(`cluster_known_nodes:${this.nodes.length}`)
        );
      });
    }
  }

  async stop(): Promise<void> {
    await stopAll(this.nodes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

const SLOTS = 16_384;
const NODES = 3;

/**
 * Starts a Redis Cluster of three masters: the one in `REDIS_CLUSTER_URLS` (`redis://host:port`,
 * with commas between them), containers on Linux, or programs, as with {@link startRedis}.
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`
 */
export async function startRedisCluster(options: RedisOptions = {}): Promise<RedisCluster> {
  return firstThatWorks('Redis Cluster', [
    new NamedInEnvironment(
      'REDIS_CLUSTER_URLS',
      'redis://host:port,redis://host:port',
      options,
      othersCluster,
    ),
    ...waysToRedis('several', (launch) => startNodes(launch, options)),
  ]);
}

async function othersCluster(urls: string, lifecycle: Lifecycle): Promise<RedisCluster> {
  return new RedisCluster(
    await Promise.all(urls.split(',').map((url) => redisServerAt(url.trim(), lifecycle))),
  );
}

async function startNodes(
  launch: LaunchRedis,
  options: RedisOptions,
): Promise<RedisCluster | undefined> {
  const busPorts: number[] = [];
  const startNode = async (index: number): Promise<RedisServer | undefined> => {
    // The default, 10,000 above the other port, may be taken.
    const busPort = await freePort();
    busPorts[index] = busPort;
    return launchRedis(launch, options, [
      ...['--cluster-enabled', 'yes', '--cluster-port', String(busPort)],
      ...['--cluster-node-timeout', '2000'],
    ]);
  };
  const nodes = await startTogether(Array.from({ length: NODES }, (_, index) => startNode(index)));
  if (nodes.length < NODES) return undefined;
  const cluster = new RedisCluster(nodes);
  try {
    await introduce(cluster, busPorts);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

/** Shares out the slots and makes the nodes known to each other. */
async function introduce(cluster: RedisCluster, busPorts: number[]): Promise<void> {
  const [first] = cluster.nodes;
  for (const [index, node] of cluster.nodes.entries()) {
    const firstSlot = Math.ceil((index * SLOTS) / NODES);
    const lastSlot = Math.ceil(((index + 1) * SLOTS) / NODES) - 1;
    await node.command('CLUSTER', 'ADDSLOTSRANGE', firstSlot, lastSlot);
    // Each another, or the nodes have to settle it between them first.
    await node.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    await first?.command('CLUSTER', 'MEET', node.host, node.port, busPorts[index] ?? 0);
  }
  await cluster.ready();
}
