export { ListTokenStore, type ListTokenStoreOptions } from './list-token-store.ts';
