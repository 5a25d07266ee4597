import type { StoredRecord } from '@tokenkeep/core';
import { type BrokenStore, broken } from './broken-store.ts';
import { RIGHT_RULES } from './plain-token-store.ts';
import type { Shelf } from './shelf.ts';

const { added, merged } = RIGHT_RULES;
const HOUR = 3_600_000;

/** Reads only records for which something is true by the clock. */
const readsWhere = (isThere: (record: StoredRecord) => boolean) => ({
  rules: { read: async (shelf: Shelf) => (await shelf.read()).filter(isThere) },
});

/** When each record was first saved, and when last, by the clock. */
const firstSaved = new Map<string, number>();
const lastSaved = new Map<string, number>();
const lastUsed = new Map<string, number>();

export const timeFaults: readonly BrokenStore[] = [
  broken(
    'C19',
    'drops a record together with its access token when that expires',
    readsWhere(({ expiresAt }) => expiresAt == null || expiresAt > Date.now()),
  ),
  broken(
    'C19',
    'gives records a time to live in whole seconds',
    readsWhere(({ expiresAt }) => {
      if (expiresAt == null || expiresAt < Date.now() - 30_000) return true;
      return Math.ceil(expiresAt / 1000) * 1000 > Date.now();
    }),
  ),
  broken('C19', 'evicts what nobody has asked for, for an hour', {
    rules: {
      read: async (shelf) => {
        const now = Date.now();
        return (await shelf.read()).filter(({ id }) => {
          const isFresh = now - (lastUsed.get(id) ?? now) < HOUR;
          if (isFresh) lastUsed.set(id, now);
          return isFresh;
        });
      },
    },
  }),
  broken('C20', 'lists by the time of the first save', {
    rules: {
      added: (...args) => {
        const record = added(...args);
        firstSaved.set(record.id, Date.now());
        return record;
      },
      listed: (records) =>
        records.toSorted((a, b) => (firstSaved.get(a.id) ?? 0) - (firstSaved.get(b.id) ?? 0)),
    },
  }),
  broken('C20', 'lets the save win that is the later one by the clock', {
    rules: {
      merged: (record, token) => {
        const isLater = Date.now() >= (lastSaved.get(record.id) ?? 0);
        if (isLater) lastSaved.set(record.id, Date.now());
        return isLater ? merged(record, token) : { ...record, version: record.version + 1 };
      },
    },
  }),
  broken('C11', 'clears once more 40 ms after deleteTokens', {
    methods: (store, shelf) => ({
      deleteTokens: async () => {
        await store.deleteTokens();
        setTimeout(() => shelf.overwrite([]), 40).unref();
      },
    }),
  }),
  broken('C14', 'leaves a rejection for twenty seconds later', {
    methods: (store) => ({
      findTokenById: async (id: string) => {
        const found = await store.findTokenById(id);
        const reject = () => void Promise.reject(new Error('no row'));
        if (found === null) setTimeout(reject, 20_000).unref();
        return found;
      },
    }),
  }),
  broken('C13', 'answers from its copy after 200 ms without use, and renews that then', {
    handle: () => {
      let copy: StoredRecord[] = [];
      let usedAt = 0;
      return {
        read: async (shelf) => {
          const isIdle = usedAt > 0 && performance.now() - usedAt > 200;
          const old = copy;
          copy = await shelf.read();
          usedAt = performance.now();
          return isIdle ? old : copy;
        },
      };
    },
  }),
];
