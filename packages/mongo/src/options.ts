import { invalidOption, requireKnownOptions, requireTimeout } from '@tokenkeep/core/adapter';
import { decodedPart, isLoopback, tlsRequired } from '@tokenkeep/core/adapter/server';
import type { MongoClientOptions } from 'mongodb';
import type { MongoClientLike } from './collection.ts';

/** Options of `MongoTokenStore`. */
export interface MongoTokenStoreOptions {
  /** Where MongoDB is: `mongodb://...` or `mongodb+srv://...`. Not together with `client`. */
  url?: string | URL;
  /** A `MongoClient` of yours: it is used and never closed. Not together with `url`. */
  client?: MongoClientLike;
  /**
   * The name of the database.
   *
   * @default the one in the URL, or 'zohooauth'
   */
  database?: string;
  /**
   * The name of the collection. It holds nothing but the store.
   *
   * @default 'oauthtoken'
   */
  collection?: string;
  /**
   * `true`: encrypt, as `tls=true` in the URL. `false`: allow a connection without encryption to
   * another host than this machine.
   *
   * @default what the URL says; `mongodb+srv` encrypts
   */
  tls?: boolean;
  /**
   * How long the server may take for one answer: milliseconds. A save takes one to four, more where
   * it shares keys with other records.
   *
   * @default 30_000
   */
  timeout?: number;
  /**
   * Options of the client that the store makes, in the driver's own words: `maxPoolSize`, `auth`,
   * `tlsCAFile`, ...
   *
   * @default { retryWrites: false, serverSelectionTimeoutMS, connectTimeoutMS, waitQueueTimeoutMS: 10_000 or `timeout`, socketTimeoutMS: `timeout` }
   */
  options?: MongoClientOptions;
}

const OPTIONS: readonly (keyof MongoTokenStoreOptions)[] = [
  'url',
  'client',
  'database',
  'collection',
  'tls',
  'timeout',
  'options',
];

/** Options as the store goes by them. */
export interface CheckedOptions {
  /** A client of the user's, or how to make one. */
  readonly connect: MongoClientLike | OwnClient;
  /** Where it is, for messages. */
  readonly server: string;
  readonly database: string;
  readonly collection: string;
  readonly timeout: number;
}

export interface OwnClient {
  readonly url: string;
  readonly options: MongoClientOptions;
  /** Whether no other host than this machine may be connected to, as there is no TLS. */
  readonly isLocalOnly: boolean;
}

/** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
export function checkOptions(given: MongoTokenStoreOptions): CheckedOptions {
  requireKnownOptions(
    'MongoTokenStore',
    given,
    OPTIONS,
    "{ url: 'mongodb://localhost:27017/database' }",
  );
  const { url, client, tls, options = {}, collection = 'oauthtoken', timeout = 30_000 } = given;
  requireTimeout(timeout);
  if ((url === undefined) === (client === undefined)) {
    throw invalidOption('url', 'or the option client must be given, and not both');
  }
  if (tls !== undefined && typeof tls !== 'boolean') {
    throw invalidOption('tls', 'must be true or false');
  }
  if (client !== undefined) {
    if (
      typeof client !== 'object' ||
      client === null ||
      typeof client.db !== 'function' ||
      typeof client.connect !== 'function'
    ) {
      throw invalidOption('client', 'must be a MongoClient');
    }
    if (tls !== undefined || given.options !== undefined) {
      throw invalidOption('client', 'is given together with tls or options: set them there');
    }
    const { database = 'zohooauth' } = given;
    checkNames(database, collection);
    return { connect: client, server: 'the given client', database, collection, timeout };
  }
  const address = parseUrl(url);
  const { database = address.database ?? 'zohooauth' } = given;
  checkNames(database, collection);
  const isEncrypted = isEncryptedBy(address, tls, options);
  refuseInsecure(address, tls, isEncrypted, options);
  const wait = Math.min(10_000, timeout);
  // By itself the driver waits for ever.
  const defaults: MongoClientOptions = {
    serverSelectionTimeoutMS: wait,
    connectTimeoutMS: wait,
    waitQueueTimeoutMS: wait,
    socketTimeoutMS: timeout,
    // A write whose answer was lost is not sent again: core finds out whether it has happened.
    retryWrites: false,
  };
  const said = (values: object) =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  const unsaid = Object.entries(defaults).filter(
    ([name]) => !address.parameters.has(name.toLowerCase()),
  );
  return {
    connect: {
      url: address.url,
      // What is undefined would take a limit away.
      options: { ...Object.fromEntries(unsaid), ...said(options), ...said({ tls }) },
      isLocalOnly: !isEncrypted && tls !== false,
    },
    server: address.hosts.map((host) => (/:\d+$/.test(host) ? host : `${host}:27017`)).join(),
    database,
    collection,
    timeout,
  };
}

interface Address {
  readonly url: string;
  readonly isSrv: boolean;
  /** With a port, where there is one. */
  readonly hosts: readonly string[];
  readonly database: string | undefined;
  /** By their names in lower case, as the driver takes them. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** A name, an address, or the path of a socket of this machine, written with %2F. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\]|%2F[\w.%-]+)(?::\d{1,5})?$/i;

function parseUrl(given: unknown): Address {
  const url = given instanceof URL ? given.href : given;
  // No @ in what follows: of a password with / or ? in it, the rest would be taken for a host.
  const parts =
    typeof url === 'string'
      ? /^mongodb(\+srv)?:\/\/(?:[^/?@]*@)?([^/?@]+)(?:\/([^?@]*))?(?:\?([^@]*))?$/.exec(url)
      : null;
  const hosts = parts?.[2]?.split(',') ?? [];
  if (typeof url !== 'string' || parts === null || !hosts.every((host) => HOST.test(host))) {
    throw invalidOption(
      'url',
      'must be such as mongodb://host:27017 or mongodb+srv://host, with : / ? # @ and % in a user name or password percent-encoded (encodeURIComponent)',
    );
  }
  const [, srv, , database = '', query = ''] = parts;
  const parameters = [...new URLSearchParams(query)].map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  );
  return {
    url,
    isSrv: srv !== undefined,
    hosts,
    database: database === '' ? undefined : decodedPart(database, 'a database name'),
    parameters: new Map(parameters),
  };
}

/** Whether it is this machine: a socket of it, too. The port does not matter. */
export function isLocal(host: string): boolean {
  return /^(?:%2F|\/)/i.test(host) || isLoopback(host.replace(/:\d+$/, ''));
}

function isEncryptedBy(
  { isSrv, parameters }: Address,
  tls: boolean | undefined,
  options: MongoClientOptions,
): boolean {
  const said = parameters.get('tls') ?? parameters.get('ssl') ?? String(isSrv);
  return tls ?? options.tls ?? options.ssl ?? said === 'true';
}

const UNCHECKED = [
  'tlsInsecure',
  'tlsAllowInvalidCertificates',
  'tlsAllowInvalidHostnames',
] as const;

function refuseInsecure(
  { isSrv, hosts, parameters }: Address,
  tls: boolean | undefined,
  isEncrypted: boolean,
  options: MongoClientOptions,
): void {
  const remote = hosts.find((host) => isSrv || !isLocal(host));
  if (remote === undefined || tls === false) return;
  if (!isEncrypted) throw tlsRequired(remote);
  if (options.rejectUnauthorized === false || options.checkServerIdentity) {
    throw invalidOption(
      'options',
      'turn off the check of the certificate. Give the certificate authority in tlsCAFile instead',
    );
  }
  for (const name of UNCHECKED) {
    if (options[name] || parameters.get(name.toLowerCase()) === 'true') {
      throw invalidOption(
        name,
        'turns off what keeps others from reading along. Give the certificate authority in tlsCAFile instead',
      );
    }
  }
}

/** https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions */
function checkNames(database: unknown, collection: unknown): void {
  if (typeof database !== 'string' || !/^[^/\\. "$*<>:|?\0]{1,63}$/.test(database)) {
    throw invalidOption(
      'database',
      'must be a name of at most 63 characters, none of /\\. "$*<>:|?',
    );
  }
  const fits = typeof collection === 'string' && /^[^$\0]{1,120}$/.test(collection);
  if (!fits || collection.startsWith('system.') || /^\.|\.$|\.\./.test(collection)) {
    throw invalidOption(
      'collection',
      'must be a name of at most 120 characters, without $, not starting with system. or with a dot at an end',
    );
  }
}
