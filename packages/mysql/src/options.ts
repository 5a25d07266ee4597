import { invalidOption, requireKnownOptions, requireTimeout } from '@tokenkeep/core/adapter';
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
  url?: string | URL;
  /**
   * How to connect, in the words of mysql2: `host`, `user`, `password`, `database`, `ssl`,
   * `connectionLimit`, `connectTimeout`, ... They go before what the `url` says.
   *
   * @default database: 'zohooauth', connectionLimit: 10, connectTimeout: 10_000
   */
  options?: PoolOptions;
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
   * `false`: allow a connection to another host than this machine without encryption, or without a
   * check of the certificate. Else such a connection uses TLS, with certificate and host name checked.
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

const OPTIONS: readonly (keyof MysqlTokenStoreOptions)[] = [
  'url',
  'options',
  'pool',
  'table',
  'tls',
  'timeout',
];

/** Options that were checked. */
export interface CheckedOptions {
  readonly pool: MysqlPool | undefined;
  readonly poolOptions: PoolOptions;
  /** Where the server is, for messages. */
  readonly server: string;
  readonly table: string;
  readonly timeout: number;
}

/** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
export function checkOptions(given: MysqlTokenStoreOptions): CheckedOptions {
  requireKnownOptions(
    'MysqlTokenStore',
    given,
    OPTIONS,
    "{ url: 'mysql://user:password@host:3306/database' }",
  );
  const { url, options, pool, table = 'oauthtoken', tls, timeout = 10_000 } = given;
  requireTimeout(timeout);
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
  if (pool === undefined) {
    const poolOptions = poolOptionsOf(url, options ?? {}, tls);
    const { socketPath, host, port = 3306 } = poolOptions;
    return { pool, poolOptions, server: socketPath || `${host}:${port}`, table, timeout };
  }
  if (url !== undefined || options !== undefined) {
    throw invalidOption('pool', 'is given together with url or options: give one of them');
  }
  // The pool of `mysql2` itself answers to callbacks, and to promises never.
  if (typeof pool?.getConnection !== 'function' || 'promise' in pool) {
    throw invalidOption('pool', 'must be a pool of mysql2/promise');
  }
  return { pool, poolOptions: {}, server: 'the given pool', table, timeout };
}

function poolOptionsOf(
  url: string | URL | undefined,
  given: PoolOptions,
  tls: false | undefined,
): PoolOptions {
  if (given.uri !== undefined) throw invalidOption('options', 'has a uri: give it as url');
  const options: PoolOptions = {
    connectionLimit: 10,
    connectTimeout: 10_000,
    // A stack trace per statement, which no error of the store shows.
    trace: false,
    database: 'zohooauth',
    ...(url === undefined ? {} : fromUrl(url)),
    charset: 'utf8mb4_bin',
    // Those that are not used are closed before somebody in between forgets them.
    idleTimeout: 30_000,
    ...given,
  };
  options.maxIdle ??= Math.max(1, (options.connectionLimit ?? 10) - 1);
  options.host ||= 'localhost';
  if (options.socketPath || isLoopback(options.host) || tls === false) return options;
  const { host, ssl = {} } = options;
  if (typeof ssl !== 'object' || ssl?.rejectUnauthorized === false) throw tlsRequired(host);
  return { ...options, ssl: { verifyIdentity: true, rejectUnauthorized: true, ...ssl } };
}

function fromUrl(given: string | URL): PoolOptions {
  const text = String(given);
  if (!URL.canParse(text) || !/^(?:mysql|mariadb):/.test(text)) {
    throw invalidOption('url', 'must be like mysql://user:password@host:3306/database');
  }
  const url = new URL(text);
  if (url.search !== '') {
    throw invalidOption('url', 'has settings after a question mark: give them in options');
  }
  const options: PoolOptions = {};
  if (url.hostname !== '') options.host = url.hostname;
  if (url.port !== '') options.port = Number(url.port);
  if (url.username !== '') options.user = decodedPart(url.username, 'a user');
  if (url.password !== '') options.password = decodedPart(url.password, 'a password');
  if (url.pathname.length > 1) {
    options.database = decodedPart(url.pathname.slice(1), 'a database name');
  }
  return options;
}
