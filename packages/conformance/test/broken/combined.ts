import {
  type JsonObject,
  type OAuthToken,
  type StoredRecord,
  type TokenRecord,
  TokenStoreError,
} from '@tokenkeep/core';
import { matchesOn } from '@tokenkeep/core/rules';
import { type BrokenStore, broken, type Fault } from './broken-store.ts';
import { RIGHT_RULES } from './plain-token-store.ts';
import { pause } from './shelf.ts';

const { isAbsorbed, isMatch, merged, placed } = RIGHT_RULES;

/** Takes over from absorbed records what the one that is kept has not, after the save. */
const takesOverAfterwards: Fault['methods'] = (store, shelf) => ({
  saveToken: async (...args: Parameters<typeof store.saveToken>) => {
    const before = await shelf.read();
    const saved = await store.saveToken(...args);
    await shelf.change((records) => {
      const gone = before.filter(({ id }) => records.every((record) => record.id !== id));
      const at = records.findIndex(({ id }) => id === saved.id);
      const kept = records[at];
      if (kept !== undefined && gone[0] !== undefined) records[at] = { ...gone[0], ...given(kept) };
    });
    return saved;
  },
});

function given(record: StoredRecord): StoredRecord {
  const fields = Object.entries(record).filter(([, value]) => value !== undefined);
  return Object.fromEntries(fields) as unknown as StoredRecord;
}

/** Compares an owner in another way. */
export const normalises = (owner: 'issuer' | 'resource', how: (text: string) => string): Fault => {
  const normal = <T extends TokenRecord>(record: T): T =>
    record[owner] == null ? record : { ...record, [owner]: how(record[owner]) };
  return {
    rules: {
      isMatch: (key, token, record) =>
        record[key.field] === key.value && matchesOn(key, normal(token), normal(record)),
    },
  };
};

/** Keeps `extra` in another form. */
export const keepsExtra = (reviver: (name: string, value: unknown) => unknown): Fault => ({
  rules: {
    kept: (record) =>
      record.extra == null
        ? record
        : { ...record, extra: JSON.parse(JSON.stringify(record.extra), reviver) as JsonObject },
  },
});

export const combinedFaults: readonly BrokenStore[] = [
  broken('C18', 'does not clear where there is a condition', {
    methods: (store) => ({
      saveToken: (...[token, options]: Parameters<typeof store.saveToken>) =>
        store.saveToken(
          token,
          options?.ifVersion === undefined ? options : { ...options, clear: [] },
        ),
    }),
  }),
  broken('C18', 'takes over from absorbed records what the save has cleared', {
    methods: takesOverAfterwards,
  }),
  broken('C6', 'gives the record without what it took over from an absorbed one', {
    methods: takesOverAfterwards,
  }),
  broken('C5', 'absorbs only what names the same issuer', {
    rules: {
      isAbsorbed: (token, other, keys) =>
        isAbsorbed(token, other, keys) && (token.issuer ?? '') === (other.issuer ?? ''),
    },
  }),
  broken(
    'M2',
    'compares issuers as URLs',
    normalises('issuer', (text) => (URL.canParse(text) ? new URL(text).href : text)),
  ),
  broken(
    'M2',
    'takes a resource with a slash at its end for the same without',
    normalises('resource', (text) => text.replace(/\/$/, '')),
  ),
  broken('M4', 'takes the first of several users with one token', {
    rules: {
      choose: ([first, ...others]) =>
        first !== undefined && others.some(({ userName }) => userName !== first.userName)
          ? first
          : RIGHT_RULES.choose([]),
    },
  }),
  broken('M5', 'puts user and client together in one key', {
    rules: {
      isMatch: (key, token, record) => {
        if (key.field !== 'userName' || token.clientId == null || record.clientId == null) {
          return isMatch(key, token, record);
        }
        return `${token.userName}|${token.clientId}` === `${record.userName}|${record.clientId}`;
      },
    },
  }),
  broken('C3', 'keeps the old extra where the new one is empty', {
    rules: {
      merged: (record, token) => {
        const next = merged(record, token);
        const isEmpty = Object.keys(next.extra ?? {}).length === 0;
        return isEmpty ? { ...next, extra: record.extra } : next;
      },
    },
  }),
  broken('C15', 'writes the other fields before it merges extra', {
    methods: (store) => ({
      saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
        const found = token.extra === undefined ? null : await store.findToken(token);
        if (found === null || options !== undefined) return store.saveToken(token, options);
        await store.saveToken(token.with({ extra: undefined }));
        return store.saveToken(token);
      },
    }),
  }),
  broken('C10', 'moves a record to the end when its user changes', {
    rules: {
      placed: (records, old, record) =>
        old === null || old.userName === record.userName
          ? placed(records, old, record)
          : [...records.filter((one) => one !== old), record],
    },
  }),
  broken('V1', 'counts on from the version that the token carries', {
    rules: {
      merged: (record, token) => ({
        ...merged(record, token),
        version: (token.version ?? record.version) + 1,
      }),
    },
  }),
  broken('A2', 'merges extra before it has the lock', {
    rules: {
      merged: (record, token) => ({ ...merged(record, token), extra: token.extra ?? record.extra }),
    },
    methods: (store) => ({
      saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
        const found = token.extra === undefined ? null : await store.findToken(token);
        if (found === null) return store.saveToken(token, options);
        const { extra } = merged(
          { id: '', version: 0, extra: found.extra ?? {} },
          { extra: token.extra },
        );
        await pause();
        return store.saveToken(token.with({ extra }), options);
      },
    }),
  }),
  broken('A4', 'writes, compares the version a moment later, and takes it back', {
    methods: (store, shelf) => ({
      saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
        const found = options?.ifVersion === undefined ? null : await store.findToken(token);
        if (found === null || found.version === options?.ifVersion) {
          return store.saveToken(token, options);
        }
        const before = await shelf.read();
        const { id } = found;
        shelf.overwrite(before.map((one) => (one.id === id ? merged(one, token.toRecord()) : one)));
        await pause();
        shelf.overwrite(before);
        return store.saveToken(token, options);
      },
    }),
  }),
  broken('C13', 'lets a find join an equal one that is on its way', {
    methods: (store) => {
      const onTheirWay = new Map<string, Promise<OAuthToken | null>>();
      const find = async (token: OAuthToken): Promise<OAuthToken | null> => {
        const found = await store.findToken(token);
        await pause();
        return found;
      };
      return {
        findToken: async (token: OAuthToken) => {
          const name = JSON.stringify(token.toRecord());
          const joined = onTheirWay.get(name);
          if (joined !== undefined) return joined;
          const finding = find(token).finally(() => onTheirWay.delete(name));
          onTheirWay.set(name, finding);
          return finding;
        },
      };
    },
  }),
  broken('C14', 'says saveToken where deleteToken was refused', {
    methods: (store) => ({
      deleteToken: async (...args: Parameters<typeof store.deleteToken>) => {
        try {
          await store.deleteToken(...args);
        } catch (error) {
          if (error instanceof TokenStoreError) error.operation = 'saveToken';
          throw error;
        }
      },
    }),
  }),
  broken(
    'T1',
    'makes objects of empty lists in extra',
    keepsExtra((_name, value) => (Array.isArray(value) && value.length === 0 ? {} : value)),
  ),
  broken(
    'T1',
    'rounds the numbers in extra',
    keepsExtra((_name, value) => (typeof value === 'number' ? Math.fround(value) : value)),
  ),
];
