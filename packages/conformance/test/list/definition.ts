import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import type { StoredRecord } from '@tokenkeep/core';
import { ListTokenStore } from '@tokenkeep/list';

const lists = new Map<string, StoredRecord[]>();

const definition: TokenStoreDefinition = defineTokenStore({
  name: 'ListTokenStore',
  location: () => crypto.randomUUID(),
  open: (name) => {
    const records = lists.get(name) ?? [];
    lists.set(name, records);
    return new ListTokenStore({ records });
  },
  destroy: (name) => void lists.delete(name),
  versions: true,
  durable: false,
  shared: false,
  iterable: true,
  module: import.meta.url,
});
export default definition;
