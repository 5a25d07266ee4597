import { invalidOption } from '@tokenkeep/core/adapter';
import { decodedPart, isLoopback, tlsRequired } from '@tokenkeep/core/adapter/server';
import type { MongoClientOptions } from 'mongodb';
import type { MongoClientLike } from './collection.ts';

/** Options of `MongoTokenStore`. */
export interface MongoTokenStoreOptions {
  /** Where MongoDB is: `mongodb://...` or `mongodb+srv://...`. Not together with `client`. */
  uri?: string;
  /** A `MongoClient` of yours: it is used and never closed. Not together with `uri`. */
  client?: MongoClientLike;
  /**
   * The name of the database.
   *
   * @default the one in the URI, or 'zohooauth'
   */
  database?: string;
  /**
   * The name of the collection. It holds nothing but the store.
   *
   * @default 'oauthtoken'
   */
  collection?: string;
  /**
   * `true`: encrypt, as `tls=true` in the URI. `false`: allow a connection without encryption to
   * another host than this machine.
   *
   * @default what the URI says; `mongodb+srv` encrypts
   */
  tls?: boolean;
  /**
   * Options of the client that the store makes, in the driver's own words: `maxPoolSize`, `auth`,
   * `tlsCAFile`, ...
   *
   * @default { serverSelectionTimeoutMS: 10_000, connectTimeoutMS: 10_000, socketTimeoutMS: 30_000, waitQueueTimeoutMS: 10_000 }
   */
  clientOptions?: MongoClientOptions;
}

/** How long the driver may take, unless the user says otherwise: by itself it waits for ever. */
const TIMEOUTS = {
  serverSelectionTimeoutMS: 10_000,
  connectTimeoutMS: 10_000,
  socketTimeoutMS: 30_000,
  waitQueueTimeoutMS: 10_000,
} as const;

/** Options as the store goes by them. */
export interface CheckedOptions {
  /** A client of the user's, or how to make one. */
  readonly connect: MongoClientLike | { uri: string; options: MongoClientOptions };
  readonly database: string;
  readonly collection: string;
}

/** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
export function checkOptions(options: MongoTokenStoreOptions): CheckedOptions {
  const { uri, client, tls, clientOptions = {} } = options;
  const { collection = 'oauthtoken' } = options;
  if ((uri === undefined) === (client === undefined)) {
    throw invalidOption('uri', 'or the option client must be given, and not both');
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
    if (tls !== undefined || options.clientOptions !== undefined) {
      throw invalidOption('client', 'is given together with tls or clientOptions: set them there');
    }
    const { database = 'zohooauth' } = options;
    checkNames(database, collection);
    return { connect: client, database, collection };
  }
  const address = parseUri(uri);
  const { database = address.database ?? 'zohooauth' } = options;
  checkNames(database, collection);
  refuseInsecure(address, tls, clientOptions);
  const timeouts = Object.entries(TIMEOUTS).filter(
    ([name]) => !address.parameters.has(name.toLowerCase()),
  );
  return {
    connect: {
      uri: address.uri,
      options: {
        ...Object.fromEntries(timeouts),
        // What is undefined would take a limit away.
        ...Object.fromEntries(
          Object.entries(clientOptions).filter(([, value]) => value !== undefined),
        ),
        ...(tls !== undefined && { tls }),
      },
    },
    database,
    collection,
  };
}

interface Address {
  readonly uri: string;
  readonly isSrv: boolean;
  readonly hosts: readonly string[];
  readonly database: string | undefined;
  /** By their names in lower case, as the driver takes them. */
  readonly parameters: ReadonlyMap<string, string>;
}

function parseUri(uri: unknown): Address {
  const parts =
    typeof uri === 'string'
      ? /^mongodb(\+srv)?:\/\/(?:[^/?]*@)?([^/?@]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(uri)
      : null;
  if (typeof uri !== 'string' || parts === null) {
    throw invalidOption('uri', 'must be such as mongodb://host:27017 or mongodb+srv://host');
  }
  const [, srv, hosts = '', database = '', query = ''] = parts;
  const parameters = [...new URLSearchParams(query)].map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  );
  return {
    uri,
    isSrv: srv !== undefined,
    hosts: hosts.split(',').map((host) => host.replace(/:\d+$/, '')),
    database: database === '' ? undefined : decodedPart(database, 'a database name'),
    parameters: new Map(parameters),
  };
}

const UNCHECKED = [
  'tlsInsecure',
  'tlsAllowInvalidCertificates',
  'tlsAllowInvalidHostnames',
] as const;

function refuseInsecure(
  { isSrv, hosts, parameters }: Address,
  tls: boolean | undefined,
  clientOptions: MongoClientOptions,
): void {
  // A socket of this machine is a path, written with %2F.
  const remote = hosts.find((host) => isSrv || !(isLoopback(host) || /^%2F/i.test(host)));
  if (remote === undefined || tls === false) return;
  const said = parameters.get('tls') ?? parameters.get('ssl') ?? String(isSrv);
  if (!(tls ?? clientOptions.tls ?? clientOptions.ssl ?? said === 'true')) {
    throw tlsRequired(remote);
  }
  if (clientOptions.rejectUnauthorized === false || clientOptions.checkServerIdentity) {
    throw invalidOption(
      'clientOptions',
      'turn off the check of the certificate. Give the certificate authority in tlsCAFile instead',
    );
  }
  for (const name of UNCHECKED) {
    if (clientOptions[name] || parameters.get(name.toLowerCase()) === 'true') {
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
