import { driverCodeOf, invalidOption, TokenStoreError } from '../../errors.ts';

/**
 * Whether a host is this machine, so that a connection to it needs no TLS: `localhost`,
 * `127.0.0.0/8`, `::1`. (RFC 6761 section 6.3, RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3)
 */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])){3}|::1|\[::1\])$/i.test(
    host,
  );
}

/** The error for a connection that would go over a network in the clear. Thrown by constructors. */
export function tlsRequired(host: string): TokenStoreError {
  return new TokenStoreError(
    'TLS_REQUIRED',
    `Tokens would go to ${host} in the clear. Turn TLS on in the connection's settings, or say \`tls: false\` if you trust every network in between.`,
  );
}

/**
 * Refuses a connection without TLS to another host than this machine.
 *
 * @param tls the option: `false` allows it
 * @throws TokenStoreError `TLS_REQUIRED`
 */
export function requireTls(host: string, tls: unknown): void {
  if (tls !== false && !isLoopback(host)) throw tlsRequired(host);
}

/**
 * The error for a server that can not be reached, or a connection that broke.
 *
 * @param server where it is, such as `db.example:3306`; empty if that is not known
 */
export function connectionFailed(server: string, driverCode?: string | number): TokenStoreError {
  return new TokenStoreError(
    'CONNECTION_FAILED',
    `${named(server)} can not be reached, or the connection broke${inBrackets(driverCode)}. See that it runs and that host and port are right, then try again; a save may or may not have happened.`,
    { driverCode },
  );
}

/**
 * The same for a server that did not answer in time.
 *
 * @param limit how long it had: milliseconds, where that is ours to say
 */
export function timedOut(
  server: string,
  driverCode?: string | number,
  limit?: number,
): TokenStoreError {
  const late = limit === undefined ? 'in time' : `within ${limit} ms`;
  return new TokenStoreError(
    'TIMEOUT',
    `${named(server)} did not answer ${late}${inBrackets(driverCode)}. See that it runs, is reachable and not overloaded, then try again; a save may or may not have happened.`,
    { driverCode },
  );
}

function named(server: string): string {
  return `The server${inBrackets(server)}`;
}

/** For a message, where there is something to tell. */
export function inBrackets(text: string | number = ''): string {
  return text === '' ? '' : ` (${text})`;
}

/**
 * A part of the option `url`, percent-decoded (RFC 3986 section 2.1).
 *
 * @param what it is, for the error, which does not show it
 * @throws TokenStoreError `INVALID_OPTION`
 */
export function decodedPart(part: string, what: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalidOption('url', `has ${what} that is not percent-encoded as it should be`);
  }
}

/** What a URL says of a server, in the words of most drivers. What it does not say is not there. */
export interface ServerAddress {
  host?: string;
  port?: number;
  user?: string;
  password?: string;
  database?: string;
}

/**
 * The address in an option `url`, and the settings after its question mark.
 *
 * @param protocols those that are taken, colon included
 * @param form what one looks like, for the message
 * @throws TokenStoreError `INVALID_OPTION`, which does not show it
 */
export function addressIn(
  given: string | URL,
  protocols: readonly string[],
  form: string,
): { readonly address: ServerAddress; readonly settings: URLSearchParams } {
  const text = String(given);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !protocols.includes(url.protocol) || !text.includes('://')) {
    throw invalidOption('url', `must be like ${form}`);
  }
  const { hostname, port, username, password, pathname } = url;
  const address: ServerAddress = {};
  // The brackets of an address of IPv6 belong to the URL.
  if (hostname !== '') address.host = decodedPart(hostname, 'a host').replace(/^\[(.*)\]$/, '$1');
  if (port !== '') address.port = Number(port);
  if (username !== '') address.user = decodedPart(username, 'a user');
  if (password !== '') address.password = decodedPart(password, 'a password');
  if (pathname.length > 1) address.database = decodedPart(pathname.slice(1), 'a database name');
  return { address, settings: url.searchParams };
}

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]);

/**
 * What Node's own network errors mean, by their code; `undefined` for any other error.
 *
 * @param server where it is, such as `db.example:3306`, for the message; left out, what the error
 *   tells
 * @returns `CONNECTION_FAILED` or `TIMEOUT` (both retryable), or `TLS_REQUIRED` for a certificate
 *   or a protocol that was not accepted
 */
export function networkFailure(error: unknown, server?: string): TokenStoreError | undefined {
  const driverCode = driverCodeOf(error);
  if (typeof driverCode !== 'string') return undefined;
  if (UNREACHABLE.has(driverCode)) return connectionFailed(server ?? serverIn(error), driverCode);
  if (driverCode === 'ETIMEDOUT') return timedOut(server ?? serverIn(error), driverCode);
  if (
    /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER))|CERT_(?:SIGNATURE|CHAIN)/.test(
      driverCode,
    )
  ) {
    return new TokenStoreError(
      'TLS_REQUIRED',
      `The server's certificate or protocol was not accepted (${driverCode}). Give the certificate authority in the TLS settings, or correct the server's certificate.`,
      { driverCode },
    );
  }
  return undefined;
}

/** The server that an error of Node's names: a connection has `address` and `port`, a lookup `hostname`. */
function serverIn(error: unknown): string {
  const { address, hostname, port } = error as Record<string, unknown>;
  const host = address ?? hostname;
  if (typeof host !== 'string') return '';
  return typeof port === 'number' ? `${host}:${port}` : host;
}
