import { createHash, randomBytes } from 'node:crypto';
import { type OAuthToken, type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { type BrokenStore, broken } from './broken-store.ts';
import { type PlainTokenStore, RIGHT_RULES } from './plain-token-store.ts';

const { added, merged, placed } = RIGHT_RULES;

/** A version that begins again after so many. */
const wrapsAt = (most: number) => ({
  rules: {
    merged: (...args: Parameters<typeof merged>): StoredRecord => ({
      ...merged(...args),
      version: (args[0].version % most) + 1,
    }),
  },
});

/** Does something else with a save that comes while 64 are on their way. */
const whenFull = (instead: (token: OAuthToken) => Promise<OAuthToken>) => ({
  methods: (store: PlainTokenStore) => {
    let inFlight = 0;
    return {
      saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
        if (inFlight >= 64) return instead(token);
        inFlight += 1;
        try {
          return await store.saveToken(token, options);
        } finally {
          inFlight -= 1;
        }
      },
    };
  },
});

export const manyFaults: readonly BrokenStore[] = [
  broken('C11', 'clears the first hundred only', {
    rules: { cleared: (records) => records.slice(100) },
  }),
  broken('C11', 'clears the first five hundred only', {
    rules: { cleared: (records) => records.slice(500) },
  }),
  broken('C10', 'lists two thousand at most', {
    rules: { listed: (records) => records.slice(0, 2_000) },
  }),
  broken('C10', 'lists five thousand at most', {
    rules: { listed: (records) => records.slice(0, 5_000) },
  }),
  broken('C10', 'forgets the oldest beyond two thousand', {
    rules: { placed: (...args) => placed(...args).slice(-2_000) },
  }),
  broken('C10', 'sorts its places as texts, beyond three hundred', {
    rules: {
      listed: (records) =>
        records.length <= 300
          ? records
          : Array.from(records, (record, place) => ({ record, text: String(place) }))
              .toSorted((a, b) => (a.text < b.text ? -1 : 1))
              .map(({ record }) => record),
    },
  }),
  broken('C10', 'finds nothing beyond the first four thousand, and lists all', {
    methods: (store, shelf) => ({
      findToken: async (token: OAuthToken) => {
        const found = await store.findToken(token);
        const records = await shelf.read();
        const isFirst = records.slice(0, 4_000).some(({ id }) => id === found?.id);
        return isFirst ? found : null;
      },
    }),
  }),
  broken('M2', 'reads a hundred records of a user at most', {
    rules: {
      read: async (shelf) => {
        const seen = new Map<unknown, number>();
        return (await shelf.read()).filter(({ userName }) => {
          const count = (seen.get(userName) ?? 0) + 1;
          seen.set(userName, count);
          return userName == null || count <= 100;
        });
      },
    },
  }),
  broken(
    'A1',
    'refuses a save while 64 are in flight',
    whenFull(async () => {
      throw new TokenStoreError('STORE_BUSY', 'Too many at once.', { operation: 'saveToken' });
    }),
  ),
  broken(
    'A3',
    'acknowledges a save while 64 are in flight, and drops it',
    whenFull(async (token) => token.with({ id: randomBytes(16).toString('hex'), version: 1 })),
  ),
  broken('V1', 'keeps the version in six bits', wrapsAt(63)),
  broken('V1', 'keeps the version in a byte', wrapsAt(255)),
  broken('C3', 'loses the scope at every sixteenth save', {
    rules: {
      merged: (...args) => {
        const { scope, ...rest } = merged(...args);
        return rest.version % 16 === 0 ? rest : { ...rest, scope };
      },
    },
  }),
  broken('C8', 'draws its ids from a source that each handle seeds alike', {
    handle: () => {
      let count = 0;
      const draw = (): string => {
        count += 1;
        return createHash('sha256').update(`seed ${count}`).digest('hex').slice(0, 32);
      };
      return { added: (token, records) => ({ ...added(token, records), id: token.id ?? draw() }) };
    },
  }),
  broken('A5', 'lets deleteTokens do nothing while something is saved', {
    methods: (store) => {
      let inFlight = 0;
      return {
        saveToken: async (...args: Parameters<typeof store.saveToken>) => {
          inFlight += 1;
          try {
            return await store.saveToken(...args);
          } finally {
            inFlight -= 1;
          }
        },
        deleteTokens: async () => {
          if (inFlight === 0) await store.deleteTokens();
        },
      };
    },
  }),
  broken('A6', 'lists its records in one go of 150 ms', {
    rules: {
      listed: (records) => {
        const end = performance.now() + (records.length > 1_000 ? 150 : 0);
        while (performance.now() < end);
        return records;
      },
    },
  }),
];
