import { StorageTokenStore } from '@tokenkeep/core/adapter';
import { OptimisticStorage } from '@tokenkeep/core/adapter/server';
import { FirestoreEngine } from './firestore-engine.ts';
import type { FirestoreTokenStoreOptions } from './options.ts';

/**
 * A token store in a collection of Google Cloud Firestore (Native mode).
 *
 * @example
 * const store = new FirestoreTokenStore({ options: { projectId: 'my-project' } });
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class FirestoreTokenStore extends StorageTokenStore {
  /** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
  constructor(options: FirestoreTokenStoreOptions = {}) {
    super(new OptimisticStorage(new FirestoreEngine(options)));
  }
}
