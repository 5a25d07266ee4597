import {
  OAuthToken,
  type StoredRecord,
  TokenConflictError,
  type TokenStore,
} from '@tokenkeep/core';
import type { TokenStoreDefinition } from '../../src/index.ts';
import { type BrokenStore, broken, brokenFile } from './broken-store.ts';
import { pause, type Shelf } from './shelf.ts';

/**
 * Decides on what it read before it takes the lock, and then writes only what it decided: where it
 * adds a record, or where it updates one. All else is done as it should be.
 */
const lookThenWrite = (where: 'adds' | 'updates') => ({
  rules: {
    change: async <T>(
      shelf: Shelf,
      work: (records: StoredRecord[]) => T | Promise<T>,
    ): Promise<T> => {
      const before = await shelf.read();
      const after = [...before];
      const result = await work(after);
      const isNew = ({ id }: StoredRecord): boolean => before.every((record) => record.id !== id);
      const written = after.filter((record) => !before.includes(record));
      const isMeant = written.some((record) => isNew(record) === (where === 'adds'));
      if (!isMeant) return shelf.change(work);
      await pause();
      await shelf.change((records) => {
        const gone = before.filter(({ id }) => after.every((record) => record.id !== id));
        const left = records.filter(({ id }) => gone.every((record) => record.id !== id));
        for (const record of written) {
          const index = left.findIndex(({ id }) => id === record.id);
          if (index >= 0) left[index] = record;
          else if (where === 'adds') left.push(record);
        }
        records.splice(0, records.length, ...left);
      });
      return result;
    },
  },
});

/** Writes something on the way to what it writes in the end. */
const inTwoSteps = (
  halfway: (before: StoredRecord[], after: StoredRecord[]) => StoredRecord[],
) => ({
  rules: {
    change: <T>(shelf: Shelf, work: (records: StoredRecord[]) => T | Promise<T>): Promise<T> =>
      shelf.change(async (records) => {
        const before = [...records];
        const result = await work(records);
        shelf.overwrite(halfway(before, records));
        await pause();
        return result;
      }),
  },
});

/** Compares the version that there is before it takes the lock. */
const comparesTooEarly = {
  methods: (store: TokenStore) => ({
    saveToken: async (...[token, options]: Parameters<TokenStore['saveToken']>) => {
      const wanted = options?.ifVersion;
      if (wanted === undefined) return store.saveToken(token, options);
      const currentVersion = (await store.findToken(token))?.version ?? 0;
      if (wanted !== currentVersion) {
        throw new TokenConflictError('VERSION_CONFLICT', 'There is another version.', {
          operation: 'saveToken',
          currentVersion,
        });
      }
      await pause();
      return store.saveToken(token);
    },
  }),
};

/** Saves the scope of a token once more, by itself. */
const savesInTwo = {
  methods: (store: TokenStore) => ({
    saveToken: async (...[token, options]: Parameters<TokenStore['saveToken']>) => {
      const saved = await store.saveToken(token, options);
      const { userSignature, clientId, scope } = token;
      if (userSignature === undefined || scope === undefined) return saved;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
      return store.saveToken(new OAuthToken({ userSignature, clientId, scope }));
    },
  }),
};

const concurrencyFaultsInMemory: readonly BrokenStore[] = [
  broken('A1', 'looks first and inserts then', lookThenWrite('adds')),
  broken('A2', 'reads a record, and writes what it made of it later', lookThenWrite('updates')),
  broken('A2', 'writes a record in two saves', savesInTwo),
  broken('V3', 'compares the version before it takes the lock', comparesTooEarly),
  broken('A3', 'writes the whole list back that it read before', {
    rules: {
      change: async (shelf, work) => {
        const records = await shelf.read();
        const result = await work(records);
        await pause();
        shelf.overwrite(records);
        return result;
      },
    },
  }),
  broken('A4', 'deletes a record and inserts it again to update it', {
    ...inTwoSteps((before, after) => before.filter((record) => after.includes(record))),
  }),
  broken('A4', 'writes a record in two steps', {
    ...inTwoSteps((before, after) =>
      after.map((record) => {
        const old = before.find(({ id }) => id === record.id);
        return old === undefined ? record : { ...record, refreshToken: old.refreshToken };
      }),
    ),
  }),
  broken('A1', 'refuses the second of two saves that come at once', {
    methods: (store) => {
      const saving = new Set<string>();
      return {
        saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
          const name = token.userSignature?.name ?? token.refreshToken ?? token.accessToken ?? '';
          if (saving.has(name)) throw new Error('busy');
          saving.add(name);
          try {
            return await store.saveToken(token, options);
          } finally {
            saving.delete(name);
          }
        },
      };
    },
  }),
  broken('A5', 'brings half of a record back that was deleted while it was saved', {
    methods: (store) => ({
      saveToken: async (...[token, options]: Parameters<TokenStore['saveToken']>) => {
        const before = await store.findToken(token);
        await pause();
        const { id = '' } = before ?? {};
        const isGone = before !== null && (await store.findTokenById(id)) === null;
        const { userName, accessToken } = token.toRecord();
        if (!isGone || userName == null) return store.saveToken(token, options);
        return store.saveToken(new OAuthToken({ userSignature: { name: userName }, accessToken }));
      },
    }),
  }),
];

export const concurrencyFaults: readonly BrokenStore[] = [
  ...concurrencyFaultsInMemory,
  brokenFile(
    'S1',
    'writes a record in two saves, which another process may come between',
    savesInTwo,
    import.meta.url,
  ),
  brokenFile(
    'S1',
    'remembers in each process that there was nothing',
    {
      methods: (store) => {
        const missing = new Set<string>();
        return {
          findToken: async (token: OAuthToken) => {
            const name = JSON.stringify(OAuthToken.from(token).toRecord());
            if (missing.has(name)) return null;
            const found = await store.findToken(token);
            if (found === null) missing.add(name);
            return found;
          },
          saveToken: (...args: Parameters<typeof store.saveToken>) => {
            missing.clear();
            return store.saveToken(...args);
          },
        };
      },
    },
    import.meta.url,
  ),
  brokenFile(
    'S1',
    'writes back the list that it read before when it deletes a record',
    {
      methods: (_store, shelf) => ({
        deleteToken: async (id: string) => {
          const records = await shelf.read();
          await new Promise((resolve) => setTimeout(resolve, 2));
          shelf.overwrite(records.filter((record) => record.id !== id));
        },
      }),
    },
    import.meta.url,
  ),
  brokenFile(
    'V3',
    'compares the version before it takes the lock of the file',
    comparesTooEarly,
    import.meta.url,
  ),
];

/** For other processes, which load this module. */
export const definitions: readonly TokenStoreDefinition[] = concurrencyFaults
  .slice(concurrencyFaultsInMemory.length)
  .map(({ definition }) => definition);
