import type { Firestore, Settings } from '@google-cloud/firestore';
import { invalidOption } from '@tokenkeep/core/adapter';
import { isLoopback, tlsRequired } from '@tokenkeep/core/adapter/server';

/** Options of `FirestoreTokenStore`. */
export interface FirestoreTokenStoreOptions {
  /** A client of yours: it is used and never closed. Not together with `settings`. */
  firestore?: Firestore;
  /**
   * Settings of a client that the store makes and closes, in the words of `@google-cloud/firestore`:
   * `projectId`, `databaseId`, `keyFilename`, `credentials`, `host`, `ssl`, ...
   *
   * @default what the environment says (application default credentials)
   */
  settings?: Settings;
  /**
   * The name of the collection. A second one, with `_keys` after the name, stands beside it.
   *
   * @default 'oauthtoken'
   */
  collection?: string;
  /**
   * `false`: allow a connection without encryption to another host than this machine. The variable
   * `FIRESTORE_EMULATOR_HOST` makes such a connection without a word.
   */
  tls?: false;
  /**
   * How long one step may take: milliseconds. The client itself would try for ten minutes.
   *
   * @default 20_000
   */
  timeout?: number;
}

/** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
export function checkOptions(options: FirestoreTokenStoreOptions): {
  firestore: Firestore | undefined;
  settings: Settings;
  collection: string;
  timeout: number;
} {
  const { firestore, settings, collection = 'oauthtoken', tls, timeout = 20_000 } = options;
  if (firestore !== undefined && settings !== undefined) {
    throw invalidOption('settings', 'is given together with firestore: give one of them');
  }
  // `_` last would let one store's keys be another store's collection.
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
  if (firestore === undefined && tls !== false) refuseInsecure(settings ?? {});
  return { firestore, settings: settings ?? {}, collection, timeout };
}

function refuseInsecure(settings: Settings): void {
  const emulator = process.env['FIRESTORE_EMULATOR_HOST'];
  if (emulator === undefined && settings.ssl !== false) return;
  const address = emulator ?? `${settings.host ?? 'firestore.googleapis.com'}`;
  const host = address.replace(/^https?:\/\//, '').replace(/:\d+$/, '');
  if (!isLoopback(host)) throw tlsRequired(host);
}
