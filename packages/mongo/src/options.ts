import {
  invalidOption,
  refuseTogether,
  requireFalseIfGiven,
  requireKnownOptions,
  requireTimeout,
} from '@tokenkeep/core/adapter';
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
   * `false`: allow a connection without encryption, or without a check of the certificate, to another
   * host than this machine. `mongodb+srv` encrypts; else say `tls=true` in the URL or `options`.
   */
  tls?: false;
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

/** How to make a client. */
export interface OwnClient {
  readonly url: string;
  readonly options: MongoClientOptions;
  /** Whether it connects without TLS, and to no other host than this machine for that. */
  readonly isLocalOnly: boolean;
}

/** Options that were checked. */
export interface CheckedOptions {
  readonly connect: MongoClientLike | OwnClient;
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
  const { url, client, tls, options, timeout = 30_000 } = given;
  requireTimeout(timeout);
  requireFalseIfGiven(tls);
  refuseTogether(given, 'client', 'url', 'tls', 'options');
  if (url !== undefined) {
    const { named, ...place } = fromUrl(String(url), tls, timeout, options ?? {});
    return { ...place, timeout, ...checkNames(given, named) };
  }
  if (typeof client?.db !== 'function' || typeof client.connect !== 'function') {
    throw invalidOption('client', 'must be a MongoClient, or else url be given');
  }
  return { connect: client, server: 'the given client', timeout, ...checkNames(given, '') };
}

/** A name, an address, or the path of a socket of this machine, written with %2F. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\]|%2F[\w.%-]+)(?::\d{1,5})?$/i;

/** No @ in what follows: of a password with / or ? in it, the rest would be taken for a host. */
const URL_PARTS = /^mongodb(\+srv)?:\/\/(?:[^/?@]*@)?([^/?@]+)(?:\/([^?@]*))?(?:\?([^@]*))?$/;

function fromUrl(
  url: string,
  tls: false | undefined,
  timeout: number,
  given: MongoClientOptions,
): Pick<CheckedOptions, 'connect' | 'server'> & { readonly named: string } {
  const [, srv, places = '', database = '', query] = URL_PARTS.exec(url) ?? [];
  const hosts = places.split(',');
  if (!hosts.every((host) => HOST.test(host))) {
    throw invalidOption(
      'url',
      'must be such as mongodb://host:27017 or mongodb+srv://host, with : / ? # @ and % in a user name or password percent-encoded (encodeURIComponent)',
    );
  }
  // By their names in lower case, as the driver takes them.
  const inUrl = new Map(
    [...new URLSearchParams(query)].map(([name, value]) => [name.toLowerCase(), value]),
  );
  const said = inUrl.get('tls') ?? inUrl.get('ssl') ?? String(srv !== undefined);
  const isEncrypted = given.tls ?? given.ssl ?? said === 'true';
  const remote = srv === undefined ? hosts.find((host) => !isLocal(host)) : places;
  if (remote !== undefined && tls !== false) {
    if (!isEncrypted) throw tlsRequired(remote);
    refuseUnchecked(given, inUrl);
  }
  const wait = Math.min(10_000, timeout);
  const defaults = {
    // By itself the driver waits for ever.
    serverSelectionTimeoutMS: wait,
    connectTimeoutMS: wait,
    waitQueueTimeoutMS: wait,
    socketTimeoutMS: timeout,
    // A write whose answer was lost is not sent again: core finds out whether it has happened.
    retryWrites: false,
  };
  const unsaid = Object.entries(defaults).filter(([name]) => !inUrl.has(name.toLowerCase()));
  // What is undefined would take a limit away.
  const chosen = Object.entries(given).filter(([, value]) => value !== undefined);
  const options: MongoClientOptions = Object.fromEntries([...unsaid, ...chosen]);
  const withPort = (host: string) => (srv || /:\d+$/.test(host) ? host : `${host}:27017`);
  return {
    connect: { url, options, isLocalOnly: !isEncrypted && tls !== false },
    server: hosts.map(withPort).join(),
    named: decodedPart(database, 'a database name'),
  };
}

/** What turns off the check of the server's certificate. */
function refuseUnchecked(given: MongoClientOptions, inUrl: ReadonlyMap<string, string>): void {
  const isUnchecked = [...Object.entries(given), ...inUrl].some(
    ([name, value]) => /^tls(?:Insecure|AllowInvalid)/i.test(name) && String(value) === 'true',
  );
  if (!isUnchecked && given.rejectUnauthorized !== false && !given.checkServerIdentity) return;
  throw invalidOption(
    'options',
    'or the url turns off the check of the certificate. Give the certificate authority in tlsCAFile instead',
  );
}

/** Whether it is this machine: a socket of it, too. The port does not matter. */
export function isLocal(host: string): boolean {
  return /^(?:%2F|\/)/i.test(host) || isLoopback(host.replace(/:\d+$/, ''));
}

/** https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions */
function checkNames(
  { database: given, collection = 'oauthtoken' }: MongoTokenStoreOptions,
  inUrl: string,
): Pick<CheckedOptions, 'database' | 'collection'> {
  const database = given ?? (inUrl || 'zohooauth');
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
  return { database, collection };
}
