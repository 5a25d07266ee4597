import { posix } from 'node:path';
import {
  type LaunchRedis,
  launchRedis,
  type RedisOptions,
  type RedisServer,
  waysToRedis,
} from './redis.ts';
import { stopAll } from './start-together.ts';
import { until } from './until.ts';
import { firstThatWorks } from './ways.ts';

const MASTER_NAME = 'tokenkeep';

/**
 * A master, a replica, and a sentinel that puts the replica in the master's place. One sentinel:
 * several first have to elect the one that acts, and at times need many rounds; a client can't see
 * the difference.
 */
export class RedisSentinel implements AsyncDisposable {
  readonly name = 'Redis Sentinel';
  readonly version: string;
  readonly source: RedisServer['source'];
  /** What the sentinels call the master: ioredis' option `name`. */
  readonly masterName: string = MASTER_NAME;
  /** The two that hold the data; which of them is master changes. */
  readonly nodes: readonly [RedisServer, RedisServer];
  readonly #sentinel: RedisServer;

  constructor(nodes: readonly [RedisServer, RedisServer], sentinel: RedisServer) {
    this.nodes = nodes;
    this.#sentinel = sentinel;
    this.version = nodes[0].version;
    this.source = nodes[0].source;
  }

  /** Where the sentinel listens: ioredis' option `sentinels`. */
  get sentinels(): { host: string; port: number }[] {
    const { host, port } = this.#sentinel;
    return [{ host, port }];
  }

  /** The node that the sentinel takes for the master. */
  async master(): Promise<RedisServer> {
    const address = await this.#sentinel.command(
      'SENTINEL',
      'GET-MASTER-ADDR-BY-NAME',
      MASTER_NAME,
    );
    const port = Array.isArray(address) ? Number(address[1]) : undefined;
    const master = this.nodes.find((node) => node.port === port);
    if (master === undefined) throw new Error('The sentinel names no master.');
    return master;
  }

  /**
   * Kills the master and waits until the other node has taken its place.
   *
   * @returns the node that was killed, to be restarted as a replica.
   */
  async failOver(): Promise<RedisServer> {
    const old = await this.master();
    await old.kill();
    await until('the sentinel made the replica master', async () => {
      const master = await this.master();
      return master !== old && (await role(master)) === 'master';
    });
    return old;
  }

  /** Waits until the sentinel knows master and replica. */
  async ready(): Promise<void> {
    await until('the sentinel knows the replica', async () => {
      const report = await this.#sentinel.command('SENTINEL', 'MASTER', MASTER_NAME);
      const facts: unknown[] = Array.isArray(report) ? report : [];
      const fact = (name: string): unknown => facts[facts.indexOf(name) + 1];
      return fact('num-slaves') === '1' && fact('flags') === 'master';
    });
  }

  async stop(): Promise<void> {
    // The sentinel first, so that it doesn't take the end for a failure.
    await this.#sentinel.stop();
    await stopAll(this.nodes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/**
 * Starts a master, a replica and a sentinel: containers on Linux, or programs, as with
 * {@link startRedis}.
 * A failover takes about four seconds.
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`
 */
export async function startRedisSentinel(options: RedisOptions = {}): Promise<RedisSentinel> {
  return firstThatWorks(
    'Redis Sentinel',
    waysToRedis('several', (launch) => startNodes(launch, options)),
  );
}

async function startNodes(
  launch: LaunchRedis,
  options: RedisOptions,
): Promise<RedisSentinel | undefined> {
  const started: RedisServer[] = [];
  try {
    // Otherwise a master waits five seconds for more replicas before the first copy.
    const soon = ['--repl-diskless-sync-delay', '0'];
    const master = await launchRedis(launch, options, soon);
    if (master === undefined) return undefined;
    started.push(master);
    const replica = await launchRedis(launch, options, [
      ...soon,
      ...['--replicaof', `${master.host} ${master.port}`],
    ]);
    if (replica === undefined) throw new Error('There is a master and no replica.');
    started.push(replica);
    // A sentinel asks a master for its replicas when it starts, and then only every ten seconds.
    await until('the replica follows the master', async () =>
      String(await master.command('INFO', 'replication')).includes('state=online'),
    );
    const sentinel = await startSentinel(launch, master);
    started.unshift(sentinel);
    const whole = new RedisSentinel([master, replica], sentinel);
    await whole.ready();
    return whole;
  } catch (error) {
    await stopAll(started);
    throw error;
  }
}

/** A sentinel keeps what it learns in its configuration file. */
async function startSentinel(launch: LaunchRedis, master: RedisServer): Promise<RedisServer> {
  const sentinel = await launch(undefined, async ({ folder, bind, port }) => {
    const path = posix.join(folder, 'sentinel.conf');
    const lines = [
      `port ${port}`,
      `bind ${bind}`,
      `dir ${folder}`,
      `sentinel monitor ${MASTER_NAME} ${master.host} ${master.port} 1`,
      // With less than a second between two pings' answers it takes a busy server for a dead one.
      `sentinel down-after-milliseconds ${MASTER_NAME} 2000`,
      `sentinel failover-timeout ${MASTER_NAME} 3000`,
      `sentinel parallel-syncs ${MASTER_NAME} 1`,
      ...(master.password
        ? [`sentinel auth-pass ${MASTER_NAME} ${JSON.stringify(master.password)}`]
        : []),
    ];
    return { args: [path, '--sentinel'], file: [path, lines] };
  });
  if (sentinel === undefined) throw new Error('There is a master and no sentinel.');
  // It looks around every few seconds; several times a second makes tests quicker. A server that
  // doesn't know this command (before 7.0) is only slower.
  const pace = ['publish-period', 200, 'info-period', 500];
  await sentinel.command('SENTINEL', 'DEBUG', ...pace).catch(() => {});
  return sentinel;
}

async function role(node: RedisServer): Promise<unknown> {
  const reply = await node.command('ROLE');
  return Array.isArray(reply) ? reply[0] : undefined;
}
