export { MemorySpace } from '@tokenkeep/core/adapter';
export { MemoryTokenStore, type MemoryTokenStoreOptions } from './memory-token-store.ts';
