import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import type { StoredRecord } from '@tokenkeep/core';
import { ListTokenStore } from '@tokenkeep/list';

class StoreWithoutIds extends ListTokenStore {
  override async findTokenById(): Promise<null> {
    return null;
  }
}

export const right: TokenStoreDefinition = definitionOf('a right store', ListTokenStore);
export const broken: TokenStoreDefinition = definitionOf('a broken store', StoreWithoutIds);

function definitionOf(name: string, Store: typeof ListTokenStore): TokenStoreDefinition {
  const lists = new Map<string, StoredRecord[]>();
  return defineTokenStore({
    name,
    location: () => crypto.randomUUID(),
    open: (place) => {
      const records = lists.get(place) ?? [];
      lists.set(place, records);
      return new Store({ records });
    },
    versions: true,
    durable: false,
    shared: false,
    iterable: true,
  });
}
