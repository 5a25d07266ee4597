import { invalidOption } from '@tokenkeep/core/adapter';
import { decodedPart, isLoopback, tlsRequired } from '@tokenkeep/core/adapter/server';
import type { PoolOptions } from 'mysql2/promise';

/** What is bound to a statement. */
export type MysqlValue = string | number | null;

/** What is used of a connection of mysql2's promise API. */
export interface MysqlConnection {
  execute(sql: string, values: MysqlValue[]): Promise<[unknown, unknown]>;
  query(sql: string): Promise<[unknown, unknown]>;
  release(): void;
  destroy(): void;
}

/** What is used of a pool of `mysql2/promise`. */
export interface MysqlPool {
  getConnection(): Promise<MysqlConnection>;
}

/** Options of `MysqlTokenStore`. */
export interface MysqlTokenStoreOptions {
  /** Where the server is: `mysql://user:password@host:3306/database`. */
  uri?: string;
  /**
   * How to connect, in the words of mysql2: `host`, `user`, `password`, `database`, `ssl`,
   * `connectionLimit`, `connectTimeout`, ... They go before what the `uri` says.
   *
   * @default database: 'zohooauth', connectionLimit: 10, connectTimeout: 10_000
   */
  connection?: PoolOptions;
  /** A pool of yours, of `mysql2/promise`: it is used and never closed. Not together with the two above. */
  pool?: MysqlPool;
  /**
   * The table: lower-case letters, digits and `_`, at most 48. A second one, with `_lock` after the
   * name, stands beside it.
   *
   * @default 'oauthtoken'
   */
  table?: string;
  /**
   * `false`: allow a connection without encryption to another host than this machine. Else such a
   * connection uses TLS, with the certificate and the host's name checked.
   */
  tls?: false;
  /**
   * How long one statement may take, and how long to wait for a connection: milliseconds. A
   * connection that took longer is given up.
   *
   * @default 10_000
   */
  timeout?: number;
}

/** Options that were checked. */
export interface CheckedOptions {
  readonly pool: MysqlPool | undefined;
  readonly poolOptions: PoolOptions;
  readonly table: string;
  readonly timeout: number;
}

/** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
export function checkOptions(options: MysqlTokenStoreOptions): CheckedOptions {
  const { uri, connection, pool, table = 'oauthtoken', tls, timeout = 10_000 } = options;
  if (pool !== undefined && (uri !== undefined || connection !== undefined)) {
    throw invalidOption('pool', 'is given together with uri or connection: give one of them');
  }
  // Lower case only: on some file systems MySQL can't tell `Tokens` from `tokens` (contract C16).
  if (
    typeof table !== 'string' ||
    !/^[a-z_][a-z0-9_]{0,47}$/.test(table) ||
    table.endsWith('_lock')
  ) {
    throw invalidOption(
      'table',
      'must be at most 48 lower-case letters, digits and _, not begin with a digit and not end in _lock',
    );
  }
  // The pool of `mysql2` itself answers to callbacks, and to promises never.
  if (pool !== undefined && (typeof pool?.getConnection !== 'function' || 'promise' in pool)) {
    throw invalidOption('pool', 'must be a pool of mysql2/promise');
  }
  const poolOptions = pool === undefined ? poolOptionsOf(uri, connection ?? {}, tls) : {};
  return { pool, poolOptions, table, timeout };
}

function poolOptionsOf(
  uri: string | undefined,
  connection: PoolOptions,
  tls: false | undefined,
): PoolOptions {
  const url = uri === undefined ? undefined : parsed(uri);
  const host = connection.host ?? (url === undefined ? 'localhost' : url.hostname || 'localhost');
  const options: PoolOptions = {
    connectionLimit: 10,
    connectTimeout: 10_000,
    // A stack trace per statement, which no error of the store shows.
    trace: false,
    ...(url === undefined ? {} : fromUrl(url)),
    charset: 'utf8mb4_bin',
    ...connection,
    host,
  };
  options.database ??= 'zohooauth';
  if (options.socketPath !== undefined || isLoopback(host)) return options;
  if (tls === false) return options;
  const { ssl } = options;
  if (ssl === undefined)
    return { ...options, ssl: { verifyIdentity: true, rejectUnauthorized: true } };
  // Only the user's own words weaken it.
  if (typeof ssl === 'object') return { ...options, ssl: { verifyIdentity: true, ...ssl } };
  throw tlsRequired(host);
}

function parsed(uri: string): URL {
  if (typeof uri !== 'string' || !URL.canParse(uri) || !/^(?:mysql|mariadb):/.test(uri)) {
    throw invalidOption('uri', 'must be like mysql://user:password@host:3306/database');
  }
  const url = new URL(uri);
  if (url.search !== '') {
    throw invalidOption(
      'uri',
      'has settings after a question mark: give them in the option connection',
    );
  }
  return url;
}

function fromUrl(url: URL): PoolOptions {
  const options: PoolOptions = {};
  if (url.port !== '') options.port = Number(url.port);
  if (url.username !== '') options.user = decodedPart(url.username, 'a user');
  if (url.password !== '') options.password = decodedPart(url.password, 'a password');
  if (url.pathname.length > 1)
    options.database = decodedPart(url.pathname.slice(1), 'a database name');
  return options;
}
