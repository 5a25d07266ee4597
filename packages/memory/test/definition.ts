import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { MemorySpace, MemoryTokenStore } from '@tokenkeep/memory';

const spaces = new Map<string, MemorySpace>();

const definition: TokenStoreDefinition = defineTokenStore({
  name: 'MemoryTokenStore',
  location: () => crypto.randomUUID(),
  open: (name) => {
    const space = spaces.get(name) ?? new MemorySpace();
    spaces.set(name, space);
    return new MemoryTokenStore({ space });
  },
  destroy: (name) => void spaces.delete(name),
  versions: true,
  durable: false,
  shared: false,
  iterable: true,
  module: import.meta.url,
});
export default definition;
