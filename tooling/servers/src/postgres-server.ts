import { randomBytes } from 'node:crypto';
import { type Lifecycle, LivingServer } from './lifecycle.ts';

/** The account of servers that we start ourselves; they listen on this machine only. */
export const POSTGRES_USER = 'postgres';
export const POSTGRES_PASSWORD = 'only-for-tests';

/** A PostgreSQL server. */
export class PostgresServer extends LivingServer {
  /**
   * Creates an empty database.
   *
   * @param options what goes behind `CREATE DATABASE name`, such as `ENCODING 'LATIN1'`
   * @returns its name and the URL that names it
   */
  async createDatabase(options = ''): Promise<{ readonly name: string; readonly url: string }> {
    const name = `tokenkeep_${randomBytes(6).toString('hex')}`;
    await this.query(`CREATE DATABASE ${name} ${options}`);
    const url = new URL(this.url);
    url.pathname = `/${name}`;
    return { name, url: url.href };
  }

  /** Runs statements on a connection of its own, as the user that the URL names. */
  async query(sql: string, url: string = this.url): Promise<Record<string, unknown>[]> {
    return queryPostgres(url, sql);
  }
}

/** A URL for the driver pg. */
export function postgresUrl(port: number, host = '127.0.0.1'): string {
  return `postgres://${POSTGRES_USER}:${POSTGRES_PASSWORD}@${host}:${port}/postgres`;
}

/** The server behind a URL, with the version that it tells itself. */
export async function postgresServerAt(url: string, lifecycle: Lifecycle): Promise<PostgresServer> {
  const [row] = await queryPostgres(url, 'SHOW server_version');
  const { hostname, port } = new URL(url);
  const version = String(row?.['server_version']).split(' ')[0] ?? 'unknown';
  const facts = { name: 'PostgreSQL', version, url, host: hostname, port: Number(port || 5432) };
  return new PostgresServer(facts, lifecycle);
}

export async function queryPostgres(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const { Client } = await import('pg');
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
