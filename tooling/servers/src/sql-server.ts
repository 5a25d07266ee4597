import { randomBytes } from 'node:crypto';
import type { Connection } from 'mysql2/promise';
import { type Lifecycle, LivingServer } from './lifecycle.ts';

/** The account of servers that we start ourselves; they listen on this machine only. */
export const SQL_USER = 'root';
export const SQL_PASSWORD = 'only-for-tests';

/** A MariaDB or MySQL server. */
export class SqlServer extends LivingServer {
  /** The user that {@link url} names; it may create databases. */
  get user(): string {
    return decodeURIComponent(new URL(this.url).username);
  }

  get password(): string {
    return decodeURIComponent(new URL(this.url).password);
  }

  /**
   * Creates an empty database, with the server's defaults unless `options` tell otherwise.
   *
   * @param options what goes behind `CREATE DATABASE name`, such as `CHARACTER SET latin1`.
   * @returns its name and the URL that names it.
   */
  async createDatabase(options = ''): Promise<{ readonly name: string; readonly url: string }> {
    const name = `tokenkeep_${randomBytes(6).toString('hex')}`;
    await this.query(`CREATE DATABASE ${name} ${options}`);
    const url = new URL(this.url);
    url.pathname = `/${name}`;
    return { name, url: url.href };
  }

  /** Runs one statement as {@link user}, on a connection of its own. */
  async query(sql: string): Promise<unknown> {
    return withConnection(this.url, async (connection) => (await connection.query(sql))[0]);
  }
}

/** The server behind a URL, named as it names itself. */
export async function sqlServerAt(url: string, lifecycle: Lifecycle): Promise<SqlServer> {
  const { hostname, port } = new URL(url);
  const facts = {
    ...(await sqlProduct(url)),
    url,
    host: hostname,
    port: Number(port || 3306),
  };
  return new SqlServer(facts, lifecycle);
}

/** A URL for the mysql2 driver. */
export function sqlUrl(port: number, host = '127.0.0.1'): string {
  return `mysql://${SQL_USER}:${SQL_PASSWORD}@${host}:${port}`;
}

/** Product and version as the server tells them: `10.11.18-MariaDB-0+deb12u1`, `9.7.4`. */
async function sqlProduct(url: string): Promise<{ name: string; version: string }> {
  const text = await sqlVariable(url, 'version');
  return {
    name: /mariadb/i.test(text) ? 'MariaDB' : 'MySQL',
    version: text.split('-')[0] ?? text,
  };
}

/** The value of a system variable, as text. */
export async function sqlVariable(url: string, name: string): Promise<string> {
  return withConnection(url, async (connection) => {
    const [rows] = await connection.query<never[]>(`SELECT @@${name} AS value`);
    const [row] = rows as { value: unknown }[];
    return String(row?.value);
  });
}

async function withConnection<Result>(
  url: string,
  use: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const { createConnection } = await import('mysql2/promise');
  const connection = await createConnection({
    uri: url,
    connectTimeout: 2_000,
  });
  try {
    return await use(connection);
  } finally {
    connection.destroy();
  }
}
