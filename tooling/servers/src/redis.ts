import { Redis } from 'ioredis';
import { hasDebianPackages, unpackedDebian } from './debian.ts';
import { installedProgram } from './installed-program.ts';
import { type Lifecycle, LivingServer, OthersServer, type ServerFacts } from './lifecycle.ts';
import type { Program } from './program-folder.ts';
import { ServerProcess, startOnFreePort } from './server-process.ts';
import type { StartOptions } from './test-server.ts';
import { firstThatWorks } from './ways.ts';

/** What a Redis server is started with; each is the server's own default if not given. */
export interface RedisOptions extends StartOptions {
  /** Keep a log of writes that is replayed at a restart. Without it a restart loses all. */
  readonly appendonly?: boolean;
  /** When that log is flushed to the disk. Only `always` keeps every acknowledged write. */
  readonly appendfsync?: 'always' | 'everysec' | 'no';
  /** Most memory to use, in Redis' own words (`10mb`). */
  readonly maxmemory?: string;
  /** What to throw away when that is used up (`noeviction`, `allkeys-lru`, ...). */
  readonly maxmemoryPolicy?: string;
  /** The password of the default user. */
  readonly password?: string;
}

/** A Redis or Valkey server. */
export class RedisServer extends LivingServer {
  readonly password: string | undefined;

  constructor(facts: ServerFacts, lifecycle: Lifecycle, password?: string) {
    super(facts, lifecycle);
    this.password = password;
  }

  /** Runs one command on a connection of its own and gives the reply. */
  async command(name: string, ...args: (string | number)[]): Promise<unknown> {
    return redisCommand(this.url, name, ...args);
  }
}

/**
 * Starts a Redis server: the one in `REDIS_URL`, a container of `redis:8`, or a program on this
 * machine (the installed `redis-server`, else Redis 7.0 out of Debian's packages).
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  return firstThatWorks('Redis', [
    {
      advice: 'set REDIS_URL=redis://host:port',
      start: async () => {
        const url = process.env['REDIS_URL'];
        return url && !options.own ? othersRedis(url, options) : undefined;
      },
    },
    {
      advice: 'install redis-server, or run on Debian, where it is fetched',
      start: async () => {
        const program = await findRedis();
        return program && startRedisProgram(program, options);
      },
    },
  ]);
}

/** The `redis-server` program of this machine, else of Debian's packages. */
export async function findRedis(): Promise<Program | undefined> {
  return findProgram('redis-server', 'bookworm');
}

/** A server program of the Redis family: installed, else out of a Debian suite. */
export async function findProgram(name: string, suite: string): Promise<Program | undefined> {
  const installed = installedProgram(name);
  if (installed) return installed.program(installed.path);
  if (!hasDebianPackages()) return undefined;
  const unpacked = await unpackedDebian({
    name: `${name}-${suite}`,
    suite,
    packages: [name],
  });
  return unpacked.program(`${unpacked.folder}/bin/${name}`);
}

/** Starts a program of the Redis family in a folder of its own. */
export async function startRedisProgram(
  program: Program,
  options: RedisOptions,
): Promise<RedisServer> {
  return startOnFreePort('redis', async ({ folder, port }) => {
    const url = redisUrl(port, options.password);
    const lifecycle = await ServerProcess.start({
      name: 'Redis',
      folder,
      command: [...program, ...redisArguments(port, options), '--dir', folder],
      ready: async (pid) => (await redisInfo(url))['process_id'] === String(pid),
    });
    return redisServerAt(url, lifecycle, options.password);
  });
}

/** The options in the words of the server's command line. */
export function redisArguments(port: number, options: RedisOptions): string[] {
  const settings: Record<string, string | undefined> = {
    port: String(port),
    bind: '127.0.0.1',
    // No snapshots at times of Redis' own choosing; the append-only file is what is tested.
    save: '',
    ...changedSettings(options),
    requirepass: options.password,
    masterauth: options.password,
  };
  const args = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
  return [...args, ...(options.args ?? [])];
}

function changedSettings(options: RedisOptions): Record<string, string | undefined> {
  return {
    appendonly: options.appendonly === undefined ? undefined : options.appendonly ? 'yes' : 'no',
    appendfsync: options.appendfsync,
    maxmemory: options.maxmemory,
    'maxmemory-policy': options.maxmemoryPolicy,
  };
}

/** The server behind a URL, named as it names itself. */
export async function redisServerAt(
  url: string,
  lifecycle: Lifecycle,
  password?: string,
): Promise<RedisServer> {
  const { hostname, port } = new URL(url);
  const info = await redisInfo(url);
  const name = info['server_name'] === 'valkey' ? 'Valkey' : 'Redis';
  // Valkey tells a version of Redis as well, for clients that ask for that one.
  const version = info['valkey_version'] ?? info['redis_version'] ?? 'unknown';
  const facts = {
    name,
    version,
    url,
    host: hostname,
    port: Number(port || 6379),
  };
  return new RedisServer(facts, lifecycle, password);
}

async function othersRedis(url: string, options: RedisOptions): Promise<RedisServer> {
  for (const [name, wanted] of Object.entries(changedSettings(options))) {
    if (wanted === undefined || name === 'maxmemory') continue;
    const reply = await redisCommand(url, 'CONFIG', 'GET', name);
    const found = Array.isArray(reply) ? String(reply[1]) : 'unknown';
    if (found !== wanted) {
      throw new Error(`the server there has ${name} ${found}, and the test needs ${wanted}`);
    }
  }
  return redisServerAt(url, new OthersServer('REDIS_URL'));
}

function redisUrl(port: number, password?: string): string {
  const account = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  return `redis://${account}127.0.0.1:${port}`;
}

/** The section `server` of the server's own report. */
export async function redisInfo(url: string): Promise<Record<string, string>> {
  const report = String(await redisCommand(url, 'INFO', 'server'));
  return Object.fromEntries(
    report.split('\r\n').flatMap((line) => {
      const [name, ...value] = line.split(':');
      return name && value.length > 0 ? [[name, value.join(':')]] : [];
    }),
  );
}

/** One command on a connection of its own, without retries. */
export async function redisCommand(
  url: string,
  name: string,
  ...args: (string | number)[]
): Promise<unknown> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 2_000,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  // What goes wrong rejects the call below.
  client.on('error', () => {});
  try {
    await client.connect();
    return await client.call(name, ...args);
  } finally {
    client.disconnect();
  }
}
