import {
  invalidOption,
  refuseTogether,
  requireFalseIfGiven,
  requireKnownOptions,
  requireTableName,
  requireTimeout,
} from '@tokenkeep/core/adapter';
import {
  addressIn,
  isLoopback,
  type ServerOptions,
  tlsRequired,
} from '@tokenkeep/core/adapter/server';
import type { PoolConfig } from 'pg';

/** What is used of a result of `pg`. */
export interface PostgresResult {
  rows: Record<string, unknown>[];
  rowCount: number | null;
}

/** What is used of a connection of `pg`, or of a driver of its shape. */
export interface PostgresConnection {
  query(sql: string, values?: unknown[]): Promise<PostgresResult>;
  /** @param destroy the connection is not to be used again */
  release(destroy?: boolean): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  removeListener(event: 'error', listener: (error: Error) => void): unknown;
}

/** What is used of a pool of `pg`, or of a driver of its shape: `Pool` of `@neondatabase/serverless`. */
export interface PostgresPool {
  /**
   * Gives a connection by the callback, or by a promise, if that is all that the pool knows. The
   * callback is called before the connection can emit anything: a promise comes later.
   */
  connect(
    callback: (error: Error | undefined, connection: PostgresConnection | undefined) => void,
  ): Promise<PostgresConnection> | undefined;
}

/** Options of `PostgresTokenStore`. */
export interface PostgresTokenStoreOptions extends ServerOptions {
  /** Where the server is: `postgres://user:password@host:5432/database`, `?sslmode=` included. */
  url?: string | URL;
  /**
   * How to connect, in the words of pg: `host`, `user`, `password`, `database`, `ssl`, `max`, ...
   * They go before what the `url` says.
   *
   * @default max: 10, connectionTimeoutMillis: the `timeout`, keepAlive: true
   */
  options?: PoolConfig;
  /** A pool of yours: it is used and never closed. Not together with the two above. */
  pool?: PostgresPool;
  /**
   * The schema: lower-case letters, digits and `_`, at most 48. It is made if it is missing. Not
   * `public` by default, as some hosts serve that over HTTP.
   *
   * @default 'tokenkeep'
   */
  schema?: string;
  /**
   * The table: lower-case letters, digits and `_`, at most 48. A second one, with `_state` after the
   * name, stands beside it.
   *
   * @default 'oauthtoken'
   */
  table?: string;
}

const URL_FORM = 'postgres://user:password@host:5432/database';

/** Options that were checked. */
export interface CheckedOptions {
  readonly pool: PostgresPool | undefined;
  readonly poolOptions: PoolConfig;
  /** Where the server is, for messages. */
  readonly server: string;
  readonly schema: string;
  readonly table: string;
  readonly timeout: number;
}

/** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
export function checkOptions(given: PostgresTokenStoreOptions): CheckedOptions {
  const known = ['url', 'options', 'pool', 'schema', 'table', 'tls', 'timeout'];
  requireKnownOptions('PostgresTokenStore', given, known, `{ url: '${URL_FORM}' }`);
  const { url, options, pool, tls, timeout = 10_000 } = given;
  requireTimeout(timeout);
  requireFalseIfGiven(tls);
  refuseTogether(given, 'pool', 'url', 'options');
  const schema = requireTableName('schema', given.schema ?? 'tokenkeep', /^pg_/);
  const table = requireTableName('table', given.table ?? 'oauthtoken', /_state$/);
  const checked = { schema, table, timeout };
  if (pool === undefined) {
    const poolOptions = poolOptionsOf(url, options ?? {}, tls, timeout);
    const { host, port = Number(process.env['PGPORT'] || 5432) } = poolOptions;
    return { ...checked, pool, poolOptions, server: `${host}:${port}` };
  }
  if (typeof pool?.connect !== 'function') {
    throw invalidOption('pool', 'must be a pool of pg, or of a driver of its shape');
  }
  return { ...checked, pool, poolOptions: {}, server: 'the given pool' };
}

function poolOptionsOf(
  url: string | URL | undefined,
  given: PoolConfig,
  tls: false | undefined,
  timeout: number,
): PoolConfig {
  if (given.connectionString !== undefined) {
    throw invalidOption('options', 'has a connectionString: give it as url');
  }
  const options: PoolConfig = {
    max: 10,
    connectionTimeoutMillis: timeout,
    keepAlive: true,
    ...(url === undefined ? {} : fromUrl(url)),
    ...given,
  };
  // Where the driver would look as well: what is checked below is what it connects to.
  const host = options.host || process.env['PGHOST'] || 'localhost';
  options.host = host;
  // One that begins with a slash is the folder of a socket of this machine.
  if (isLoopback(host) || host.startsWith('/') || tls === false) return options;
  const { ssl = true } = options;
  if (ssl === false || (typeof ssl === 'object' && ssl.rejectUnauthorized === false)) {
    throw tlsRequired(host);
  }
  return { ...options, ssl: { rejectUnauthorized: true, ...(ssl === true ? {} : ssl) } };
}

/** What `sslmode` means. The driver checks the host name wherever it uses TLS, and has no fallback. */
const SSL_MODES: Readonly<Record<string, PoolConfig['ssl']>> = {
  disable: false,
  'no-verify': { rejectUnauthorized: false },
  allow: true,
  prefer: true,
  require: true,
  'verify-ca': true,
  'verify-full': true,
};

function fromUrl(given: string | URL): PoolConfig {
  const { address, settings } = addressIn(given, ['postgres:', 'postgresql:'], URL_FORM);
  const options: PoolConfig = address;
  for (const [name, value] of settings) {
    if (name === 'sslmode' && Object.hasOwn(SSL_MODES, value)) {
      options.ssl = SSL_MODES[value];
    } else if (name === 'channel_binding') {
      // Hosts put it into the addresses that they give out.
      options.enableChannelBinding = value === 'require';
    } else {
      throw invalidOption('url', 'has an unknown sslmode, or other settings: give them in options');
    }
  }
  return options;
}
