import { OAuthToken, TokenConflictError } from '@tokenkeep/core';
import { type BrokenStore, broken } from './broken-store.ts';
import type { Removal } from './plain-token-store.ts';
import { pause } from './shelf.ts';

/** Forgets the version of records that go in this way. */
const forgetsVersion = (forgotten: Removal) => ({
  rules: {
    removedVersion: (known: number, versions: readonly number[], how: Removal): number =>
      how === forgotten ? known : Math.max(known, ...versions),
  },
});

const conflict = (operation: string, currentVersion: number) =>
  new TokenConflictError('VERSION_CONFLICT', 'There is another version.', {
    operation,
    currentVersion,
  });

export const conditionFaults: readonly BrokenStore[] = [
  broken('V1', 'begins at version 1 again after deleteToken', forgetsVersion('deleteToken')),
  broken('V1', 'begins at version 1 again after deleteTokens', forgetsVersion('deleteTokens')),
  broken(
    'V1',
    'begins at version 1 again after a record was absorbed',
    forgetsVersion('saveToken'),
  ),
  broken('V4', 'ignores ifVersion when it deletes', {
    methods: (store) => ({ deleteToken: (id: string) => store.deleteToken(id) }),
  }),
  broken('V4', 'refuses to delete another version, and has deleted it', {
    methods: (store) => ({
      deleteToken: async (...[id, options]: Parameters<typeof store.deleteToken>) => {
        try {
          await store.deleteToken(id, options);
        } catch (error) {
          if (error instanceof TokenConflictError) await store.deleteToken(id);
          throw error;
        }
      },
    }),
  }),
  broken('V4', 'deletes over a version that is higher, too', {
    methods: (store) => ({
      deleteToken: async (...[id, options]: Parameters<typeof store.deleteToken>) => {
        const version = (await store.findTokenById(id))?.version ?? 0;
        const ifVersion = options?.ifVersion;
        const isLower = version > 0 && ifVersion !== undefined && ifVersion > version;
        await store.deleteToken(id, isLower ? { ifVersion: version } : options);
      },
    }),
  }),
  broken('V4', 'does nothing where it would delete a version of what is gone', {
    methods: (store) => ({
      deleteToken: async (...[id, options]: Parameters<typeof store.deleteToken>) => {
        if (typeof id === 'string' && id !== '' && (await store.findTokenById(id)) === null) return;
        await store.deleteToken(id, options);
      },
    }),
  }),
  broken('V4', 'compares the version first, and deletes then', {
    methods: (store) => ({
      deleteToken: async (...[id, options]: Parameters<typeof store.deleteToken>) => {
        if (!Number.isSafeInteger(options?.ifVersion) || options?.ifVersion === 0) {
          return store.deleteToken(id, options);
        }
        const version = (await store.findTokenById(id))?.version ?? 0;
        if (version !== options?.ifVersion) throw conflict('deleteToken', version);
        await pause();
        return store.deleteToken(id);
      },
    }),
  }),
  broken('V5', 'ignores ifExists', {
    methods: (store) => ({
      saveToken: (...[token, options]: Parameters<typeof store.saveToken>) => {
        if (typeof options?.ifExists !== 'boolean') return store.saveToken(token, options);
        const { ifExists: _, ...rest } = options;
        return store.saveToken(token, rest);
      },
    }),
  }),
  broken('V5', 'looks whether there is a record first, and saves then', {
    methods: (store) => ({
      saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
        if (options?.ifExists !== true) return store.saveToken(token, options);
        const { ifExists: _, ...rest } = options;
        if ((await store.findToken(token)) === null) throw conflict('saveToken', 0);
        await pause();
        return store.saveToken(token, rest);
      },
    }),
  }),
  broken('V5', 'gives null where there is nothing to update', {
    methods: (store) => ({
      saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
        const isMissing =
          options?.ifExists === true && (await store.findToken(OAuthToken.from(token))) === null;
        return isMissing ? null : store.saveToken(token, options);
      },
    }),
  }),
];
