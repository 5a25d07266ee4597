import type { Firestore, Settings } from '@google-cloud/firestore';
import {
  invalidOption,
  refuseTogether,
  requireKnownOptions,
  requireTimeout,
} from '@tokenkeep/core/adapter';
import { requireTls } from '@tokenkeep/core/adapter/server';

/** Options of `FirestoreTokenStore`. */
export interface FirestoreTokenStoreOptions {
  /** A client of yours: it is used and never closed. Not together with `options`. */
  firestore?: Firestore;
  /**
   * Options of a client that the store makes and closes, in the words of `@google-cloud/firestore`:
   * `projectId`, `databaseId`, `keyFilename`, `credentials`, `host`, `ssl`, ...
   *
   * @default what the environment says (application default credentials)
   */
  options?: Settings;
  /**
   * The name of the collection. A second one, with `_keys` after the name, stands beside it.
   *
   * @default 'oauthtoken'
   */
  collection?: string;
  /** `false`: allow a connection without encryption to another host than this machine. */
  tls?: false;
  /**
   * How long one step may take: milliseconds.
   *
   * @default 20_000
   */
  timeout?: number;
}

/** The options with their defaults. */
export interface CheckedOptions
  extends Required<Omit<FirestoreTokenStoreOptions, 'firestore' | 'tls'>> {
  readonly firestore: Firestore | undefined;
  /** Its host and port, where they are known: for messages. */
  readonly server: string;
}

/** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
export function checkOptions(given: FirestoreTokenStoreOptions): CheckedOptions {
  requireKnownOptions(
    'FirestoreTokenStore',
    given,
    ['firestore', 'options', 'collection', 'tls', 'timeout'],
    "{ options: { projectId: 'my-project' } }",
  );
  const { firestore, options = {}, collection = 'oauthtoken', tls, timeout = 20_000 } = given;
  refuseTogether(given, 'firestore', 'options');
  // `_keys` last would let one store's keys be another store's collection.
  if (
    typeof collection !== 'string' ||
    !/^[A-Za-z][\w-]{0,99}$/.test(collection) ||
    collection.endsWith('_keys')
  ) {
    throw invalidOption(
      'collection',
      'must be a name of letters, digits, _ and -, and not end in _keys',
    );
  }
  // As the client takes them: the variable goes before what it is given, and turns encryption off.
  const emulator = process.env['FIRESTORE_EMULATOR_HOST'];
  const { host, apiEndpoint, servicePath, ssl } = options;
  const address = `${emulator || host || servicePath || apiEndpoint || 'firestore.googleapis.com'}`;
  const isPlain = firestore === undefined && (ssl === false || Boolean(emulator));
  if (isPlain) requireTls(address.replace(/:\d+$/, ''), tls);
  const server = firestore === undefined ? address : '';
  return { firestore, options, collection, timeout: requireTimeout(timeout), server };
}
