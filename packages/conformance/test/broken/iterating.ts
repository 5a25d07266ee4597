import { OAuthToken, type StoredRecord } from '@tokenkeep/core';
import { type BrokenStore, broken, hanging } from './broken-store.ts';
import type { PlainTokenStore } from './plain-token-store.ts';
import type { Shelf } from './shelf.ts';

/** Iterates in another way; that the store is closed it says as it should. */
const iterates = (
  pages: (shelf: Shelf, store: PlainTokenStore) => AsyncIterable<readonly StoredRecord[]>,
) => ({
  methods: (store: PlainTokenStore, shelf: Shelf) => ({
    async *tokens() {
      for await (const page of pages(shelf, store)) {
        for (const record of page) {
          await store.findTokenById(record.id);
          yield OAuthToken.fromRecord(record);
        }
      }
      await store.getTokens();
    },
  }),
});

const BATCH = 100;

/** When a record was updated, as the number of that update. */
const updatedAt = new Map<string, number>();
let updates = 0;

export const iteratingFaults: readonly BrokenStore[] = [
  broken('I1', 'gives a thousand tokens at most', {
    ...iterates(async function* (shelf) {
      yield (await shelf.read()).slice(0, 1_000);
    }),
  }),
  broken('I1', 'gives the newest token first', {
    ...iterates(async function* (shelf) {
      yield (await shelf.read()).toReversed();
    }),
  }),
  broken('I1', 'reads all that it has before it gives the first', {
    ...iterates(async function* (shelf) {
      yield structuredClone(await shelf.read());
    }),
  }),
  broken('I1', 'reads all anew before it gives the first, as it does for a list', {
    methods: (store, shelf) => {
      const getTokens = async () => {
        await store.getTokens();
        return structuredClone(await shelf.read()).map((record) => OAuthToken.fromRecord(record));
      };
      return {
        getTokens,
        async *tokens() {
          yield* await getTokens();
        },
      };
    },
  }),
  broken('I1', 'keeps each token that it has given until the end', {
    ...iterates(async function* (shelf) {
      const given: StoredRecord[] = [];
      for (const record of await shelf.read()) {
        given.push(structuredClone(record));
        yield given.slice(-1);
      }
    }),
  }),
  hanging('I1', 'holds its lock while it is iterated over', {
    methods: (store, shelf) => ({
      async *tokens() {
        const { promise: over, resolve: end } = Promise.withResolvers<void>();
        const { promise: read, resolve: begin } = Promise.withResolvers<StoredRecord[]>();
        void shelf.change(async (records) => {
          begin([...records]);
          await over;
        });
        try {
          await store.findTokenById('1');
          for (const record of await read) yield OAuthToken.fromRecord(record);
        } finally {
          end();
        }
      },
    }),
  }),
  broken('I2', 'reads by the number of those that it has given', {
    ...iterates(async function* (shelf) {
      for (let offset = 0; ; offset += BATCH) {
        const page = (await shelf.read()).slice(offset, offset + BATCH);
        if (page.length === 0) return;
        yield page;
      }
    }),
  }),
  broken('I2', 'goes through its records by their last update', {
    rules: {
      merged: (record, token) => {
        updates += 1;
        updatedAt.set(record.id, updates);
        return { ...record, ...token, id: record.id, version: record.version + 1 };
      },
    },
    ...iterates(async function* (shelf) {
      let last = -1;
      for (;;) {
        const page = (await shelf.read())
          .filter(({ id }) => (updatedAt.get(id) ?? 0) > last || last < 0)
          .toSorted((a, b) => (updatedAt.get(a.id) ?? 0) - (updatedAt.get(b.id) ?? 0));
        if (page.length === 0) return;
        last = Math.max(...page.map(({ id }) => updatedAt.get(id) ?? 0));
        yield page;
      }
    }),
  }),
];
