import { OAuthToken, type TokenRecord } from '@tokenkeep/core';
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
  broken('C9', 'marks a record as deleted, and has its fields back when its id is added again', {
    methods: (store) => {
      const deleted = new Map<string, TokenRecord>();
      return {
        deleteToken: async (id: string) => {
          const found = await store.findTokenById(id);
          if (found !== null) deleted.set(id, { ...found.toRecord(), version: null });
          await store.deleteToken(id);
        },
        saveToken: (...[token, options]: Parameters<typeof store.saveToken>) => {
          const given = OAuthToken.from(token);
          const old = deleted.get(given.id ?? '');
          deleted.delete(given.id ?? '');
          const whole = old && OAuthToken.fromRecord({ ...old, ...present(given) });
          return store.saveToken(whole ?? token, options);
        },
      };
    },
  }),
  broken('C11', 'takes the records of a store for its own whose name begins with its own', {
    methods: (store, shelf, all) => ({
      deleteTokens: async () => {
        const [own] = [...all].find(([, one]) => one === shelf) ?? [''];
        for (const [name, other] of all) if (name.startsWith(own)) other.overwrite([]);
        await store.deleteTokens();
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

function present(token: OAuthToken): TokenRecord {
  const fields = Object.entries(token.toRecord()).filter(([, value]) => value != null);
  return Object.fromEntries(fields);
}

const indexes = new WeakMap<Shelf, Set<string>>();

/** The refresh tokens that can be found: of all handles on a place. */
function indexOf(shelf: Shelf): Set<string> {
  const index = indexes.get(shelf) ?? new Set();
  indexes.set(shelf, index);
  return index;
}
