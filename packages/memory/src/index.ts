export {
  MemorySpace,
  MemoryTokenStore,
  type MemoryTokenStoreOptions,
} from './memory-token-store.ts';
