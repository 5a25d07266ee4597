import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Program } from './program-folder.ts';
import {
  findRedis,
  type RedisOptions,
  type RedisServer,
  startRedisLike,
  startRedisProgram,
} from './redis.ts';
import { startTogether, stopAll } from './start-together.ts';
import { until } from './until.ts';
import { firstThatWorks } from './ways.ts';

const MASTER_NAME = 'tokenkeep';
const SENTINELS = 3;

/** A master, a replica, and three sentinels that put the replica in the master's place. */
export class RedisSentinel implements AsyncDisposable {
  readonly name = 'Redis Sentinel';
  readonly version: string;
  readonly source: RedisServer['source'];
  /** What the sentinels call the master: ioredis' option `name`. */
  readonly masterName: string = MASTER_NAME;
  /** The two that hold the data; which of them is master changes. */
  readonly nodes: readonly [RedisServer, RedisServer];
  readonly #sentinels: readonly RedisServer[];

  constructor(nodes: readonly [RedisServer, RedisServer], sentinels: readonly RedisServer[]) {
    this.nodes = nodes;
    this.#sentinels = sentinels;
    this.version = nodes[0].version;
    this.source = nodes[0].source;
  }

  /** Where the sentinels listen: ioredis' option `sentinels`. */
  get sentinels(): { host: string; port: number }[] {
    return this.#sentinels.map(({ host, port }) => ({ host, port }));
  }

  /** The node that most sentinels take for the master. */
  async master(): Promise<RedisServer> {
    const ports = await Promise.all(this.#sentinels.map((sentinel) => masterPort(sentinel)));
    for (const node of this.nodes) {
      if (ports.filter((port) => port === node.port).length > SENTINELS / 2) return node;
    }
    throw new Error('The sentinels are not agreed on a master yet.');
  }

  /**
   * Kills the master and waits until the other node has taken its place.
   *
   * @returns the node that was killed, to be restarted as a replica.
   */
  async failOver(): Promise<RedisServer> {
    const old = await this.master();
    await old.kill();
    await until('the sentinels made the replica master', async () => {
      const master = await this.master();
      return master !== old && (await role(master)) === 'master';
    });
    return old;
  }

  /** Waits until the master has a replica that is up to date, and every sentinel knows both. */
  async ready(): Promise<void> {
    await until('the replica follows the master', async () => {
      const replication = String(await (await this.master()).command('INFO', 'replication'));
      return replication.includes('state=online');
    });
    for (const sentinel of this.#sentinels) {
      await until(`${sentinel.url} knows the replica and the other sentinels`, async () => {
        const report = await sentinel.command('SENTINEL', 'MASTER', MASTER_NAME);
        const facts: unknown[] = Array.isArray(report) ? report : [];
        const fact = (name: string): unknown => facts[facts.indexOf(name) + 1];
        return (
          fact('num-slaves') === '1' &&
          fact('num-other-sentinels') === String(SENTINELS - 1) &&
          fact('flags') === 'master'
        );
      });
    }
  }

  async stop(): Promise<void> {
    // The sentinels first, so that they don't take the end for a failure.
    await stopAll(this.#sentinels);
    await stopAll(this.nodes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/**
 * Starts a master, a replica and three sentinels: programs on this machine, as with
 * {@link startRedis}. A failover takes them about two seconds.
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`
 */
export async function startRedisSentinel(options: RedisOptions = {}): Promise<RedisSentinel> {
  return firstThatWorks('Redis Sentinel', [
    {
      advice: 'install redis-server, or run on Debian, where it is fetched',
      start: async () => {
        const program = await findRedis();
        return program && startPrograms(program, options);
      },
    },
  ]);
}

async function startPrograms(program: Program, options: RedisOptions): Promise<RedisSentinel> {
  const master = await startRedisProgram(program, options);
  const [replica, ...sentinels] = await startTogether([
    startRedisProgram(program, options, async () => [
      ...['--replicaof', `${master.host} ${master.port}`],
      // Otherwise the first copy waits five seconds for more replicas.
      ...['--repl-diskless-sync-delay', '0'],
    ]),
    ...Array.from({ length: SENTINELS }, () => startSentinel(program, master)),
  ]).catch(async (error: unknown) => {
    await master.stop();
    throw error;
  });
  if (replica === undefined) throw new Error('There is no replica.');
  const whole = new RedisSentinel([master, replica], sentinels);
  try {
    await whole.ready();
  } catch (error) {
    await whole.stop();
    throw error;
  }
  return whole;
}

/** A sentinel keeps what it learns in its configuration file. */
async function startSentinel(program: Program, master: RedisServer): Promise<RedisServer> {
  return startRedisLike(program, undefined, async ({ folder, port }) => {
    const file = join(folder, 'sentinel.conf');
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor ${MASTER_NAME} ${master.host} ${master.port} 2`,
      `sentinel down-after-milliseconds ${MASTER_NAME} 500`,
      `sentinel failover-timeout ${MASTER_NAME} 3000`,
      `sentinel parallel-syncs ${MASTER_NAME} 1`,
      ...(master.password
        ? [`sentinel auth-pass ${MASTER_NAME} ${JSON.stringify(master.password)}`]
        : []),
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
    return [file, '--sentinel'];
  });
}

async function masterPort(sentinel: RedisServer): Promise<number | undefined> {
  const address = await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER_NAME);
  return Array.isArray(address) ? Number(address[1]) : undefined;
}

async function role(node: RedisServer): Promise<unknown> {
  const reply = await node.command('ROLE');
  return Array.isArray(reply) ? reply[0] : undefined;
}
