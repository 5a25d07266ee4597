import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasDebianPackages, unpackedDebian } from './debian.ts';
import { installedProgram } from './installed-program.ts';
import { LivingServer } from './lifecycle.ts';
import { type PostgresServer, queryPostgres } from './postgres-server.ts';
import type { Program } from './program-folder.ts';
import { runCommand } from './run-command.ts';
import { ServerProcess, startOnFreePort } from './server-process.ts';
import { firstThatWorks } from './ways.ts';

/** PgBouncer in front of a PostgreSQL server, in transaction mode. */
export class PgbouncerServer extends LivingServer {
  /** A URL of the server, leading here instead. */
  urlFor(serverUrl: string): string {
    const url = new URL(serverUrl);
    url.hostname = this.host;
    url.port = String(this.port);
    return url.href;
  }
}

/**
 * Starts PgBouncer: the installed one, else 1.18 out of Debian's packages.
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`
 */
export async function startPgbouncer(target: PostgresServer): Promise<PgbouncerServer> {
  return firstThatWorks('PgBouncer', [
    {
      advice: 'install pgbouncer, or run on Debian, where it is fetched',
      start: async () => {
        const program = await findPgbouncer();
        return program && startProgram(program, target);
      },
    },
  ]);
}

async function findPgbouncer(): Promise<Program | undefined> {
  const installed = installedProgram('pgbouncer');
  if (installed) return installed.program(installed.path);
  if (!hasDebianPackages()) return undefined;
  const unpacked = await unpackedDebian({
    name: 'pgbouncer-bookworm',
    suite: 'bookworm',
    packages: ['pgbouncer'],
  });
  return unpacked.program(join(unpacked.folder, 'sbin/pgbouncer'));
}

async function startProgram(program: Program, target: PostgresServer): Promise<PgbouncerServer> {
  const [first, ...before] = program;
  const banner = await runCommand([first, ...before, '--version']);
  const version = /PgBouncer (\S+)/i.exec(banner)?.[1] ?? 'unknown';
  const { username, password } = new URL(target.url);
  return startOnFreePort('pgbouncer', async ({ folder, port }) => {
    const users = join(folder, 'users');
    const settings = join(folder, 'settings');
    await writeFile(users, `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`);
    await writeFile(
      settings,
      [
        '[databases]',
        `* = host=${target.host} port=${target.port}`,
        '[pgbouncer]',
        'listen_addr = 127.0.0.1',
        `listen_port = ${port}`,
        'unix_socket_dir =',
        'auth_type = scram-sha-256',
        `auth_file = ${users}`,
        'pool_mode = transaction',
        'max_client_conn = 200',
        'default_pool_size = 3',
        // It refuses to run as root.
        ...(process.getuid?.() === 0 ? ['user = nobody'] : []),
      ].join('\n'),
    );
    if (process.getuid?.() === 0) await runCommand(['chown', '-R', 'nobody', folder]);
    const url = new URL(target.url);
    url.hostname = '127.0.0.1';
    url.port = `${port}`;
    const lifecycle = await ServerProcess.start({
      name: 'PgBouncer',
      folder,
      command: [...program, settings],
      ready: async () => (await queryPostgres(url.href, 'SELECT 1')).length === 1,
    });
    const facts = { name: 'PgBouncer', version, url: url.href, host: '127.0.0.1', port };
    return new PgbouncerServer(facts, lifecycle);
  });
}
