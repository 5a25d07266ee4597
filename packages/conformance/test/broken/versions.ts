import { TokenConflictError } from '@tokenkeep/core';
import { keysOf } from '@tokenkeep/core/rules';
import { type BrokenStore, broken } from './broken-store.ts';
import { RIGHT_RULES } from './plain-token-store.ts';

const { added, merged } = RIGHT_RULES;

export const versionFaults: readonly BrokenStore[] = [
  broken('V1', 'never raises the version', {
    rules: { merged: (record, token) => ({ ...merged(record, token), version: record.version }) },
  }),
  broken('V1', 'raises the version only if something changed', {
    rules: {
      merged: (record, token) => {
        const next = merged(record, token);
        const same =
          JSON.stringify({ ...next, version: 0 }) === JSON.stringify({ ...record, version: 0 });
        return same ? record : next;
      },
    },
  }),
  broken('V1', 'begins with version 0', {
    rules: { added: (...args) => ({ ...added(...args), version: 0 }) },
  }),
  broken('V2', 'ignores ifVersion', { rules: { isVersion: () => true } }),
  broken('V2', 'takes ifVersion for the least version', {
    rules: { isVersion: (wanted, actual) => wanted <= actual },
  }),
  broken('V2', 'updates with ifVersion 0', {
    rules: { isVersion: (wanted, actual) => wanted === 0 || wanted === actual },
  }),
  broken('V2', 'absorbs before it compares the version', {
    methods: (store, shelf) => ({
      saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
        const kept = options === undefined ? null : await store.findToken(token);
        const wanted = kept === null ? {} : token.toRecord();
        await shelf.change((records) => {
          const left = records.filter(
            (record) =>
              record.id === kept?.id || !RIGHT_RULES.isAbsorbed(wanted, record, keysOf(wanted)),
          );
          records.splice(0, records.length, ...left);
        });
        return store.saveToken(token, options);
      },
    }),
  }),
  broken('V2', 'saves without the condition where it does not hold, above version 5', {
    methods: (store) => ({
      saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
        try {
          return await store.saveToken(token, options);
        } catch (error) {
          const version = error instanceof TokenConflictError ? (error.currentVersion ?? 0) : 0;
          if (version <= 5) throw error;
          return store.saveToken(token);
        }
      },
    }),
  }),
];
