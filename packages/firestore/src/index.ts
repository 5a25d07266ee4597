export { FirestoreTokenStore } from './firestore-token-store.ts';
export type { FirestoreTokenStoreOptions } from './options.ts';
