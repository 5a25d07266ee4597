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

/** Options that were checked. */
export interface CheckedOptions {
  /** The client that was handed in. */
  readonly client: MongoClientLike | undefined;
  /** How to make one. */
  readonly url: string;
  readonly clientOptions: MongoClientOptions;
  /** Whether no other host than this machine may be connected to, as there is no TLS. */
  readonly isLocalOnly: boolean;
  /** Where it is, for messages. */
  readonly server: string;
  readonly database: string;
  readonly collection: string;
  readonly timeout: number;
}

/** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
export function checkOptions(given: MongoTokenStoreOptions): CheckedOptions {
  const known = ['url', 'client', 'database', 'collection', 'tls', 'timeout', 'options'];
  const example = "{ url: 'mongodb://localhost:27017/database' }";
  requireKnownOptions('MongoTokenStore', given, known, example);
  const { url, client, tls, options, collection = 'oauthtoken', timeout = 30_000 } = given;
  requireTimeout(timeout);
  if ((url === undefined) === (client === undefined)) {
    throw invalidOption('url', 'or the option client must be given, and not both');
  }
  if (tls !== undefined && typeof tls !== 'boolean') {
    throw invalidOption('tls', 'must be true or false');
  }
  const address = client === undefined ? parseUrl(url) : undefined;
  const { database = address?.database || 'zohooauth' } = given;
  checkNames(database, collection);
  const names = { client, database, collection, timeout };
  if (address !== undefined) {
    const { text, hosts } = address;
    return {
      ...names,
      url: text,
      server: hosts.join(),
      ...connecting(address, tls, timeout, options),
    };
  }
  if (typeof client?.db !== 'function' || typeof client.connect !== 'function') {
    throw invalidOption('client', 'must be a MongoClient');
  }
  if (tls !== undefined || options !== undefined) {
    throw invalidOption('client', 'is given together with tls or options: set them there');
  }
  return { ...names, url: '', server: 'the given client', clientOptions: {}, isLocalOnly: false };
}

/** A name, an address, or the path of a socket of this machine, written with %2F. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\]|%2F[\w.%-]+)(?::\d{1,5})?$/i;

/** No @ in what follows: of a password with / or ? in it, the rest would be taken for a host. */
const URL_PARTS = /^mongodb(\+srv)?:\/\/(?:[^/?@]*@)?([^/?@]+)(?:\/([^?@]*))?(?:\?([^@]*))?$/;

interface Address {
  readonly text: string;
  readonly isSrv: boolean;
  /** With their ports, but those of `mongodb+srv`. */
  readonly hosts: readonly string[];
  readonly database: string;
  /** By their names in lower case, as the driver takes them. */
  readonly parameters: ReadonlyMap<string, string>;
}

function parseUrl(url: unknown): Address {
  const text = String(url);
  const [, srv, places = '', database = '', query] = URL_PARTS.exec(text) ?? [];
  const hosts = places.split(',');
  if (!hosts.every((host) => HOST.test(host))) {
    throw invalidOption(
      'url',
      'must be such as mongodb://host:27017 or mongodb+srv://host, with : / ? # @ and % in a user name or password percent-encoded (encodeURIComponent)',
    );
  }
  const isSrv = srv !== undefined;
  const parameters = [...new URLSearchParams(query)];
  return {
    text,
    isSrv,
    hosts: hosts.map((host) => (isSrv || /:\d+$/.test(host) ? host : `${host}:27017`)),
    database: decodedPart(database, 'a database name'),
    parameters: new Map(parameters.map(([name, value]) => [name.toLowerCase(), value])),
  };
}

/** Whether it is this machine: a socket of it, too. The port does not matter. */
export function isLocal(host: string): boolean {
  return /^(?:%2F|\/)/i.test(host) || isLoopback(host.replace(/:\d+$/, ''));
}

function connecting(
  { isSrv, hosts, parameters }: Address,
  tls: boolean | undefined,
  timeout: number,
  given: MongoClientOptions = {},
): Pick<CheckedOptions, 'clientOptions' | 'isLocalOnly'> {
  // What is undefined would take a limit away.
  const chosen = Object.entries({ ...given, tls: tls ?? given.tls ?? given.ssl }).filter(
    ([, value]) => value !== undefined,
  );
  const wait = Math.min(10_000, timeout);
  const defaults: MongoClientOptions = {
    // By itself the driver waits for ever.
    serverSelectionTimeoutMS: wait,
    connectTimeoutMS: wait,
    waitQueueTimeoutMS: wait,
    socketTimeoutMS: timeout,
    // A write whose answer was lost is not sent again: core finds out whether it has happened.
    retryWrites: false,
  };
  const unsaid = Object.entries(defaults).filter(([name]) => !parameters.has(name.toLowerCase()));
  const said = parameters.get('tls') ?? parameters.get('ssl') ?? String(isSrv);
  const isEncrypted = tls ?? given.tls ?? given.ssl ?? said === 'true';
  const remote = hosts.find((host) => isSrv || !isLocal(host));
  if (remote !== undefined && tls !== false) {
    if (!isEncrypted) throw tlsRequired(remote);
    const isOn = ([, value]: readonly [string, unknown]) => value === true || value === 'true';
    const isUnchecked = [...chosen, ...parameters]
      .filter(isOn)
      .some(([name]) => /^tls(?:Insecure|AllowInvalid)/i.test(name));
    if (isUnchecked || given.rejectUnauthorized === false || given.checkServerIdentity) {
      throw invalidOption(
        'options',
        'or the url turns off the check of the certificate. Give the certificate authority in tlsCAFile instead',
      );
    }
  }
  const clientOptions = Object.fromEntries([...unsaid, ...chosen]);
  return { clientOptions, isLocalOnly: !isEncrypted && tls !== false };
}

/** https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions */
function checkNames(database: unknown, collection: unknown): void {
  if (typeof database !== 'string' || !/^[^/\\. "$*<>:|?\0]{1,63}$/.test(database)) {
    throw invalidOption('database', 'must be a name of 1 to 63 characters, none of /\\. "$*<>:|?');
  }
  const form = /^(?!system\.|\.)(?!.*(?:\.\.|\.$))[^$\0]{1,120}$/s;
  if (typeof collection !== 'string' || !form.test(collection)) {
    throw invalidOption(
      'collection',
      'must be a name of 1 to 120 characters, without $, not starting with system. or with a dot at an end',
    );
  }
}
