import { writeFile } from 'node:fs/promises';
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
 * Starts a MySQL server: the one in `MYSQL_URL`, a container of `mysql:8.4`, or a program on this
 * machine (the installed `mysqld`, else MySQL 9 out of Debian's suite *sid*).
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`
 */
export async function startMysql(options: StartOptions = {}): Promise<SqlServer> {
  return firstThatWorks('MySQL', [
    new NamedInEnvironment('MYSQL_URL', 'mysql://user:password@host:port', options, sqlServerAt),
    {
      advice: 'start Docker (image mysql:8.4)',
      start: () => startSqlContainer('mysql:8.4', options),
    },
    {
      advice:
        "install mysqld of MySQL, or run on Debian, where it is fetched (sid's mysql-server-core)",
      start: async () => {
        const place = await findMysql();
        return place && startProgram(place, options);
      },
    },
  ]);
}

interface MysqlPlace {
  readonly mysqld: Program;
  readonly folder: string;
  /** As `mysqld --version` tells it. */
  readonly version: string;
}

async function findMysql(): Promise<MysqlPlace | undefined> {
  const installed = installedProgram('mysqld');
  if (installed) {
    const place = await placeIn(installed, installed.path);
    if (place) return place;
  }
  if (!hasDebianPackages()) return undefined;
  const unpacked = await unpackedDebian({
    name: 'mysql-sid',
    suite: 'sid',
    packages: ['mysql-server-core'],
  });
  return placeIn(unpacked, join(unpacked.folder, 'sbin/mysqld'));
}

async function placeIn(place: ProgramFolder, path: string): Promise<MysqlPlace | undefined> {
  const mysqld = place.program(path);
  const banner = await runCommand([...mysqld, '--no-defaults', '--version']);
  // MariaDB's package has a program of the same name.
  if (/mariadb/i.test(banner)) return undefined;
  return { mysqld, folder: place.folder, version: /Ver (\S+)/.exec(banner)?.[1] ?? 'unknown' };
}

async function startProgram(place: MysqlPlace, options: StartOptions): Promise<SqlServer> {
  return startSqlProgram(
    {
      name: 'MySQL',
      version: place.version,
      commandOn: (files) => commandOn(place, files),
      makeSystemTables: (files, folder) => makeSystemTables(place, files, folder),
      args: [
        '--mysqlx=OFF',
        // What it notes down nobody reads, and to begin with that takes a second at each start.
        '--performance-schema=OFF',
        // Debian's build would look for a folder that only its installation makes.
        '--secure-file-priv=NULL',
      ],
    },
    options,
  );
}

function commandOn(place: MysqlPlace, files: string): Program {
  return [
    ...place.mysqld,
    // First, or the machine's own my.cnf would be read.
    '--no-defaults',
    `--basedir=${place.folder}`,
    `--datadir=${files}`,
    '--innodb-redo-log-capacity=16M',
    '--innodb-buffer-pool-size=64M',
    // Written at each commit, flushed to the disk later: a killed server loses nothing by it, only a
    // machine without power does, which no test tries.
    '--innodb-flush-log-at-trx-commit=2',
    '--sync-binlog=0',
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
  ];
}

async function makeSystemTables(place: MysqlPlace, files: string, folder: string): Promise<void> {
  const accounts = join(folder, 'accounts.sql');
  await writeFile(
    accounts,
    [
      `CREATE USER '${SQL_USER}'@'%' IDENTIFIED BY '${SQL_PASSWORD}';`,
      `GRANT ALL ON *.* TO '${SQL_USER}'@'%' WITH GRANT OPTION;`,
      `DROP USER 'root'@'localhost';`,
    ].join('\n'),
  );
  await runCommand([
    ...commandOn(place, files),
    '--initialize-insecure',
    `--init-file=${accounts}`,
  ]);
}
