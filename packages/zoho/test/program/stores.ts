import { type TokenStore, TokenStoreError } from '@tokenkeep/core';
import { MemoryTokenStore } from '@tokenkeep/memory';
import { SqliteTokenStore } from '@tokenkeep/sqlite';

/**
 * The store that a program of the tests runs on: `memory:`, `failing:N` (in memory, and its first N
 * saves of an access token fail), `broken:` (nothing works) or the path of a database.
 */
export function openStore(location: string): TokenStore {
  const [kind, rest = ''] = location.split(':');
  switch (kind) {
    case 'memory':
      return new MemoryTokenStore();
    case 'failing':
      return failingStore(Number(rest));
    case 'broken':
      return brokenStore();
    default:
      return new SqliteTokenStore({ path: location });
  }
}

function failingStore(failures: number): TokenStore {
  const store = new MemoryTokenStore();
  const save = store.saveToken.bind(store);
  let left = failures;
  store.saveToken = async (...parameters) => {
    if (parameters[0].accessToken !== undefined) left -= 1;
    if (left >= 0 && parameters[0].accessToken !== undefined)
      throw new TokenStoreError('STORE_BUSY', 'The store is busy.', { retryable: true });
    return save(...parameters);
  };
  return store;
}

function brokenStore(): TokenStore {
  const store = new MemoryTokenStore();
  const fail = (): Promise<never> =>
    Promise.reject(new TokenStoreError('CONNECTION_FAILED', 'The server can not be reached.'));
  return Object.assign(store, { findToken: fail, findTokenById: fail, saveToken: fail });
}
