import { OAuthToken, type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { type BrokenStore, broken, hanging } from './broken-store.ts';
import type { PlainTokenStore } from './plain-token-store.ts';
import { talkative } from './reading.ts';
import { MemoryShelf, pause, type Shelf } from './shelf.ts';

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

/** Goes on after the record that it gave last, and does something else where that has gone. */
const afterTheLast = (size: number, whereGone: 'ends' | 'begins anew') =>
  iterates(async function* (shelf) {
    for (let last: string | undefined; ; ) {
      const records = await shelf.read();
      const at = records.findIndex(({ id }) => id === last);
      if (at < 0 && last !== undefined && whereGone === 'ends') return;
      const page = records.slice(at + 1, at + 1 + size);
      if (page.length === 0) return;
      yield page;
      last = page.at(-1)?.id;
    }
  });

/** Gives other tokens where it gives them one by one. */
const givesOneByOne = (given: (record: StoredRecord, shelf: Shelf) => OAuthToken) => ({
  methods: (store: PlainTokenStore, shelf: Shelf) => ({
    async *tokens() {
      for await (const token of store.tokens()) {
        const record = (await shelf.read()).find(({ id }) => id === token.id);
        yield record === undefined ? token : given(record, shelf);
      }
    },
  }),
});

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
  hanging('I1', 'is not closed before every iteration has ended', {
    methods: (store) => {
      const open = new Set<Promise<void>>();
      const close = async (): Promise<void> => {
        await Promise.all(open);
        await store.close();
      };
      return {
        async *tokens() {
          const { promise, resolve } = Promise.withResolvers<void>();
          open.add(promise);
          try {
            yield* store.tokens();
          } finally {
            open.delete(promise);
            resolve();
          }
        },
        close,
      };
    },
  }),
  broken('I1', 'reads on and on while the caller thinks', {
    methods: (store, shelf) => ({
      async *tokens() {
        await store.findTokenById('1');
        const queue: StoredRecord[] = [];
        const { promise: over, resolve: end } = Promise.withResolvers<void>();
        const reading = (async () => {
          let isOver = false;
          over.then(() => {
            isOver = true;
          });
          for (const [at, record] of (await shelf.read()).entries()) {
            if (isOver) return;
            queue.push(structuredClone(record));
            if (at % 50 === 0) await pause();
          }
        })();
        const isRead = reading.then(() => true);
        try {
          for (;;) {
            const record = queue.shift();
            if (record !== undefined) yield OAuthToken.fromRecord(record);
            else if (await Promise.race([isRead, pause()])) {
              if (queue.length === 0) return;
            }
          }
        } finally {
          end();
        }
      },
    }),
  }),
  broken(
    'I2',
    'ends an iteration where the record that it would go on from has gone',
    afterTheLast(BATCH, 'ends'),
  ),
  broken(
    'I2',
    'begins an iteration anew where the record that it would go on from has gone',
    afterTheLast(1_000, 'begins anew'),
  ),
  broken('I2', 'has an iteration fail where all records are deleted meanwhile', {
    methods: (store, shelf) => ({
      async *tokens() {
        for await (const token of store.tokens()) {
          yield token;
          if ((await shelf.read()).length > 0) continue;
          throw new TokenStoreError('STORAGE_FAILED', 'The cursor is gone.', {
            operation: 'tokens',
          });
        }
      },
    }),
  }),
  broken('C12', 'gives tokens one by one that change with their records', {
    ...givesOneByOne((record, shelf) =>
      talkative(record, {
        toRecord: () =>
          (shelf instanceof MemoryShelf && shelf.records.find(({ id }) => id === record.id)) ||
          record,
      }),
    ),
  }),
  broken('T2', 'gives tokens one by one whose extra can be changed', {
    ...givesOneByOne((record) => {
      const own = structuredClone(record);
      return talkative(own, { toRecord: () => own, extra: own.extra ?? undefined });
    }),
  }),
  broken('T6', 'gives tokens one by one that show their secrets as JSON', {
    ...givesOneByOne((record) => talkative(record, { toJSON: () => record })),
  }),
];
