import { OAuthToken } from '@tokenkeep/core';
import { keysOf } from '@tokenkeep/core/rules';
import { type BrokenStore, broken } from './broken-store.ts';
import { pause, type Shelf } from './shelf.ts';

export const deletingFaults: readonly BrokenStore[] = [
  broken('C9', 'takes "10" for "1" too', {
    rules: { isSameId: (wanted, id) => id.startsWith(wanted) },
  }),
  broken('C9', 'compares ids as numbers', {
    rules: { isSameId: (wanted, id) => wanted === id || Number(wanted) === Number(id) },
  }),
  broken('C9', 'compares ids trimmed', {
    rules: { isSameId: (wanted, id) => wanted.trim() === id.trim() },
  }),
  broken('C9', 'deletes nothing', { methods: () => ({ deleteToken: async () => {} }) }),
  broken('C9', 'rejects to delete an id that nobody has', {
    methods: (store) => ({
      deleteToken: async (id: string) => {
        if ((await store.findTokenById(id)) === null) throw new Error('no such id');
        await store.deleteToken(id);
      },
    }),
  }),
  broken('C11', 'skips every second record, as one does who deletes from the list he walks', {
    rules: { cleared: (records) => records.filter((_record, index) => index % 2 === 1) },
  }),
  broken('C11', 'empties the whole backend', {
    methods: (_store, _shelf, all) => ({
      deleteTokens: async () => {
        for (const shelf of all.values()) shelf.overwrite([]);
      },
    }),
  }),
  broken('C11', 'deletes a page of ten', { rules: { cleared: (records) => records.slice(10) } }),
  broken('A5', 'deletes the index of its refresh tokens first, and the records then', {
    methods: (store, shelf) => {
      const index = indexOf(shelf);
      return {
        saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
          const { refreshToken } = OAuthToken.from(token);
          if (refreshToken != null) index.add(refreshToken);
          await pause();
          return store.saveToken(token, options);
        },
        findToken: async (token: OAuthToken) => {
          const keys = keysOf(OAuthToken.from(token).toRecord());
          const isIndexed = keys.every(
            ({ field, value }) => field !== 'refreshToken' || index.has(value),
          );
          return isIndexed ? store.findToken(token) : null;
        },
        deleteTokens: async () => {
          index.clear();
          await store.deleteTokens();
        },
      };
    },
  }),
];

const indexes = new WeakMap<Shelf, Set<string>>();

/** The refresh tokens that can be found: of all handles on a place. */
function indexOf(shelf: Shelf): Set<string> {
  const index = indexes.get(shelf) ?? new Set();
  indexes.set(shelf, index);
  return index;
}
