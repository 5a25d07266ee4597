import { Firestore } from '@google-cloud/firestore';
import {
  OAuthToken,
  type SaveOptions,
  type TokenInit,
  type TokenStoreError,
} from '@tokenkeep/core';
import type { FirestoreServer } from '@tokenkeep/test-servers';
import { beforeAll } from 'vitest';
import { FirestoreTokenStore, type FirestoreTokenStoreOptions } from '../src/index.ts';
import { sharedEmulator } from './server.ts';

/** A project of the emulator, for the tests of a file. */
export class Emulator {
  server: FirestoreServer | undefined;
  readonly #projectId = `p${crypto.randomUUID()}`;
  #collections = 0;

  /** To be called where a file's tests are declared. */
  static forThisFile(): Emulator {
    const emulator = new Emulator();
    beforeAll(async () => {
      emulator.server = await sharedEmulator();
    }, 180_000);
    return emulator;
  }

  newCollection(): string {
    this.#collections += 1;
    return `tokens${this.#collections}`;
  }

  open(collection: string, options: Partial<FirestoreTokenStoreOptions> = {}): FirestoreTokenStore {
    return new FirestoreTokenStore({ options: this.settings(), collection, ...options });
  }

  client(settings: object = {}): Firestore {
    return new Firestore({ ...this.settings(), ...settings });
  }

  settings(host: string | undefined = this.server?.hostAndPort): {
    projectId: string;
    host: string;
    ssl: false;
  } {
    return { projectId: this.#projectId, host: host ?? '', ssl: false };
  }
}

export const save = (
  store: FirestoreTokenStore,
  init: TokenInit,
  options?: SaveOptions,
): Promise<OAuthToken> => store.saveToken(new OAuthToken(init), options);

export const user = (name: string): TokenInit => ({ userSignature: { name } });

export const failure = (promise: Promise<unknown>): Promise<TokenStoreError> =>
  promise.then(
    () => {
      throw new Error('it succeeded');
    },
    (error) => error,
  );
