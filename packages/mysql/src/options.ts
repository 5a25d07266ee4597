import {
  invalidOption,
  refuseTogether,
  requireFalseIfGiven,
  requireKnownOptions,
  requireTableName,
} from '@tokenkeep/core/adapter';
import {
  addressIn,
  isLoopback,
  type ServerOptions,
  tlsRequired,
} from '@tokenkeep/core/adapter/server';
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
export interface MysqlTokenStoreOptions extends ServerOptions {
  /** Where the server is: `mysql://user:password@host:3306/database`. */
  url?: string | URL;
  /**
   * How to connect, in the words of mysql2: `host`, `user`, `password`, `database`, `ssl`,
   * `connectionLimit`, `connectTimeout`, ... They go before what the `url` says.
   *
   * @default database: 'zohooauth', connectionLimit: 10, connectTimeout: 10_000, idleTimeout: 30_000
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
}

/** Options that were checked. */
export interface CheckedOptions {
  readonly pool: MysqlPool | undefined;
  readonly poolOptions: PoolOptions;
  /** Where the server is, for messages. */
  readonly server: string;
  readonly table: string;
  readonly timeout: number;
}

const URL_FORM = 'mysql://user:password@host:3306/database';

/** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
export function checkOptions(given: MysqlTokenStoreOptions): CheckedOptions {
  const known = ['url', 'options', 'pool', 'table', 'tls', 'timeout'];
  requireKnownOptions('MysqlTokenStore', given, known, `{ url: '${URL_FORM}' }`);
  const { url, options, pool, tls, timeout = 10_000 } = given;
  requireFalseIfGiven(tls);
  refuseTogether(given, 'pool', 'url', 'options');
  const table = requireTableName('table', given.table ?? 'oauthtoken', /_lock$/);
  if (pool === undefined) {
    const poolOptions = poolOptionsOf(url, options ?? {}, tls);
    const { socketPath, host, port = 3306 } = poolOptions;
    return { pool, poolOptions, server: socketPath || `${host}:${port}`, table, timeout };
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
    database: 'zohooauth',
    connectionLimit: 10,
    connectTimeout: 10_000,
    // Those that are not used are closed before a firewall in between forgets them.
    idleTimeout: 30_000,
    // A stack trace per statement, which no error of the store shows.
    trace: false,
    ...(url === undefined ? {} : fromUrl(url)),
    charset: 'utf8mb4_bin',
    ...given,
  };
  // mysql2 heeds the idleTimeout only where fewer may be idle than there are.
  options.maxIdle ??= Math.max(1, (options.connectionLimit ?? 10) - 1);
  options.host ||= 'localhost';
  if (options.socketPath || isLoopback(options.host) || tls === false) return options;
  const { host, ssl = {} } = options;
  if (typeof ssl !== 'object' || ssl?.rejectUnauthorized === false) throw tlsRequired(host);
  return { ...options, ssl: { verifyIdentity: true, rejectUnauthorized: true, ...ssl } };
}

function fromUrl(given: string | URL): PoolOptions {
  const { address, settings } = addressIn(given, ['mysql:', 'mariadb:'], URL_FORM);
  if (settings.size > 0) {
    throw invalidOption('url', 'has settings after a question mark: give them in options');
  }
  return address;
}
