import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasDebianPackages, unpackedDebian } from './debian.ts';
import { installedProgram } from './installed-program.ts';
import type { Program, ProgramFolder } from './program-folder.ts';
import { runCommand } from './run-command.ts';
import { startSqlContainer } from './sql-container.ts';
import { startSqlProgram } from './sql-program.ts';
import { SQL_PASSWORD, SQL_USER, type SqlServer, sqlServerAt } from './sql-server.ts';
import type { StartOptions } from './test-server.ts';
import { firstThatWorks, NamedInEnvironment } from './ways.ts';

/**
 * Starts a MariaDB server: the one in `MARIADB_URL`, a container of `mariadb:11`, or a program on
 * this machine (the installed `mariadbd`, else MariaDB 10.11 out of Debian's packages).
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`
 */
export async function startMariadb(options: StartOptions = {}): Promise<SqlServer> {
  return firstThatWorks('MariaDB', [
    new NamedInEnvironment('MARIADB_URL', 'mysql://user:password@host:port', options, sqlServerAt),
    {
      advice: 'start Docker (image mariadb:11)',
      start: () => startSqlContainer('mariadb:11', options),
    },
    {
      advice: 'install mariadbd, or run on Debian, where it is fetched (mariadb-server-core)',
      start: async () => {
        const place = await findMariadb();
        return place && startProgram(place, options);
      },
    },
  ]);
}

interface MariadbPlace {
  readonly mariadbd: Program;
  /** Messages, character sets and the system tables' SQL. */
  readonly share: string;
  readonly folder: string;
}

async function findMariadb(): Promise<MariadbPlace | undefined> {
  const installed = installedProgram('mariadbd');
  if (installed) return placeIn(installed, installed.path);
  if (!hasDebianPackages()) return undefined;
  const unpacked = await unpackedDebian({
    name: 'mariadb-bookworm',
    suite: 'bookworm',
    packages: ['mariadb-server-core'],
  });
  return placeIn(unpacked, join(unpacked.folder, 'sbin/mariadbd'));
}

function placeIn(place: ProgramFolder, path: string): MariadbPlace {
  const shares = ['share/mysql', 'share/mariadb', 'share'].map((name) => join(place.folder, name));
  const share = shares.find((folder) => systemTables(folder) !== undefined);
  if (share === undefined) throw new Error(`No SQL files for MariaDB's system tables near ${path}`);
  return { mariadbd: place.program(path), share, folder: place.folder };
}

// MariaDB 11 renamed the files.
function systemTables(share: string): string[] | undefined {
  for (const prefix of ['mariadb', 'mysql']) {
    const files = ['system_tables', 'performance_tables', 'system_tables_data'].map((name) =>
      join(share, `${prefix}_${name}.sql`),
    );
    if (files.every((file) => existsSync(file))) return files;
  }
  return undefined;
}

async function startProgram(place: MariadbPlace, options: StartOptions): Promise<SqlServer> {
  const [program, ...beforeArgs] = place.mariadbd;
  const banner = await runCommand([program, ...beforeArgs, '--no-defaults', '--version']);
  const version = /Ver (\S+)/.exec(banner)?.[1] ?? 'unknown';
  return startSqlProgram(
    {
      name: 'MariaDB',
      version,
      commandOn: (files) => commandOn(place, files),
      makeSystemTables: (files) => makeSystemTables(place, files),
      args: [],
    },
    options,
  );
}

function commandOn(place: MariadbPlace, files: string): Program {
  return [
    ...place.mariadbd,
    // First, or the machine's own my.cnf would be read.
    '--no-defaults',
    `--basedir=${place.folder}`,
    `--datadir=${files}`,
    `--lc-messages-dir=${place.share}`,
    `--character-sets-dir=${join(place.share, 'charsets')}`,
    '--innodb-log-file-size=16M',
    '--innodb-buffer-pool-size=64M',
    // Written at each commit, flushed to the disk later: a killed server loses nothing by it, only a
    // machine without power does, which no test tries.
    '--innodb-flush-log-at-trx-commit=2',
    '--sync-binlog=0',
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
  ];
}

async function makeSystemTables(place: MariadbPlace, files: string): Promise<void> {
  const tables = await Promise.all(
    (systemTables(place.share) ?? []).map((file) => readFile(file, 'utf8')),
  );
  const sql = [
    'CREATE DATABASE mysql;',
    'USE mysql;',
    'SET @auth_root_socket = NULL, @skip_auth_anonymous = 1;',
    ...tables,
    // They make root accounts without a password for local addresses.
    "DELETE FROM global_priv WHERE User IN ('root', '');",
    'FLUSH PRIVILEGES;',
    `CREATE USER '${SQL_USER}'@'%' IDENTIFIED BY '${SQL_PASSWORD}';`,
    `GRANT ALL ON *.* TO '${SQL_USER}'@'%' WITH GRANT OPTION;`,
  ];
  await runCommand([...commandOn(place, files), '--bootstrap', '--log-warnings=0'], {
    stdin: `${sql.join('\n')}\n`,
  });
}
