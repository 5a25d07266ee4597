import { writeFile } from 'node:fs/promises';
import { type ContainerOptions, startContainer } from './container.ts';
import { hasDebianPackages, unpackedDebian } from './debian.ts';
import { freePort } from './free-port.ts';
import { installedProgram } from './installed-program.ts';
import { type Lifecycle, LivingServer, type ServerFacts } from './lifecycle.ts';
import type { Program } from './program-folder.ts';
import { ServerProcess, startOnFreePort } from './server-process.ts';
import type { StartOptions } from './test-server.ts';
import { firstThatWorks, NamedInEnvironment, type Way } from './ways.ts';

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
    new NamedInEnvironment('REDIS_URL', 'redis://host:port', options, (url, lifecycle) =>
      othersRedis(url, lifecycle, options),
    ),
    ...waysToRedis('one', (launch) => launchRedis(launch, options)),
  ]);
}

/** Where a server of the Redis family is to run, and to put its files. */
export interface RedisPlace {
  readonly folder: string;
  /** The address to listen on. */
  readonly bind: string;
  readonly port: number;
}

/** What a server of the Redis family is started with. */
export interface RedisStart {
  readonly args: readonly string[];
  /** A configuration file, that the first argument names: its path and its lines. */
  readonly file?: readonly [string, readonly string[]];
}

/** Starts one server of the Redis family, in one of the ways there are. */
export type LaunchRedis = (
  password: string | undefined,
  describe: (place: RedisPlace) => Promise<RedisStart>,
) => Promise<RedisServer | undefined>;

const IMAGE = 'redis:8';

/** A container, else a program: for one server, or for several that work together. */
export function waysToRedis<Servers>(
  howMany: 'one' | 'several',
  start: (launch: LaunchRedis) => Promise<Servers | undefined>,
): Way<Servers>[] {
  return [
    {
      advice: `start Docker (image ${IMAGE})`,
      start: () => start(howMany === 'one' ? launchContainer : launchOnMachine),
    },
    {
      advice: 'install redis-server, or run on Debian, where it is fetched',
      start: async () => {
        const program = await findProgram('redis-server', 'bookworm');
        return program && start(programLauncher(program));
      },
    },
  ];
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

/** Launches a program of this machine. */
export function programLauncher(program: Program): LaunchRedis {
  return (password, describe) =>
    startOnFreePort('redis', async (place) => {
      const { args, file } = await describe({ ...place, bind: '127.0.0.1' });
      if (file !== undefined) await writeFile(file[0], asText(file[1]));
      const url = redisUrl('127.0.0.1', place.port, password);
      const lifecycle = await ServerProcess.start({
        name: 'Redis',
        folder: place.folder,
        command: [...program, ...args],
        ready: async (pid) => (await redisInfo(url))['process_id'] === String(pid),
      });
      return redisServerAt(url, lifecycle, password);
    });
}

/** Launches a container that is reached through a port of this machine. */
const launchContainer: LaunchRedis = async (password, describe) =>
  launchImage(password, await describe({ folder: '/data', bind: '0.0.0.0', port: 6379 }), 6379);

/** Launches a container on the machine's own network, as nodes tell each other their addresses. */
const launchOnMachine: LaunchRedis = async (password, describe) => {
  const port = await freePort();
  const start = await describe({ folder: '/data', bind: '127.0.0.1', port });
  return launchImage(password, start, { onMachine: port });
};

async function launchImage(
  password: string | undefined,
  { args, file }: RedisStart,
  port: ContainerOptions['port'],
): Promise<RedisServer | undefined> {
  const container = await startContainer({
    image: IMAGE,
    command: ['redis-server', ...args],
    files: file === undefined ? {} : { [file[0]]: asText(file[1]) },
    port,
    ready: async (place) =>
      'run_id' in (await redisInfo(redisUrl(place.host, place.port, password))),
  });
  if (container === undefined) return undefined;
  const url = redisUrl(container.host, container.port, password);
  return redisServerAt(url, container.lifecycle, password);
}

function asText(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

/** Starts a server with {@link redisArguments} and a few more. */
export async function launchRedis(
  launch: LaunchRedis,
  options: RedisOptions,
  moreArgs: readonly string[] = [],
): Promise<RedisServer | undefined> {
  return launch(options.password, async (place) => ({
    args: [...redisArguments(place, options), ...moreArgs],
  }));
}

/** The options in the words of the server's command line. */
function redisArguments(place: RedisPlace, options: RedisOptions): string[] {
  const settings: Record<string, string | undefined> = {
    port: String(place.port),
    bind: place.bind,
    // In a container it can't tell that only this machine reaches it.
    'protected-mode': 'no',
    dir: place.folder,
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

/** Somebody else's server, if it is set as the test needs it; a test doesn't change that. */
export async function othersRedis(
  url: string,
  lifecycle: Lifecycle,
  options: RedisOptions,
): Promise<RedisServer | undefined> {
  if (options.password !== undefined) return undefined;
  for (const [name, wanted] of Object.entries(changedSettings(options))) {
    if (wanted === undefined) continue;
    const reply = await redisCommand(url, 'CONFIG', 'GET', name);
    if (!Array.isArray(reply) || reply[1] !== wanted) return undefined;
  }
  return redisServerAt(url, lifecycle);
}

function redisUrl(host: string, port: number, password?: string): string {
  const account = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  return `redis://${account}${host}:${port}`;
}

/** The section `server` of the server's own report. */
async function redisInfo(url: string): Promise<Record<string, string>> {
  const report = String(await redisCommand(url, 'INFO', 'server'));
  return Object.fromEntries(
    report.split('\r\n').flatMap((line) => {
      const [name, ...value] = line.split(':');
      return name && value.length > 0 ? [[name, value.join(':')]] : [];
    }),
  );
}

/** One command on a connection of its own, without retries. */
async function redisCommand(
  url: string,
  name: string,
  ...args: (string | number)[]
): Promise<unknown> {
  const { Redis } = await import('ioredis');
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
