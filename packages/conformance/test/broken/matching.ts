import { OAuthToken, type StoredRecord, type TokenRecord } from '@tokenkeep/core';
import { keysOf, matchesOn, type TokenKey } from '@tokenkeep/core/rules';
import { type BrokenStore, broken } from './broken-store.ts';

/** Compares keys after both sides were changed in some way. */
export function folded(fold: (text: string) => string) {
  // Each text is folded once: the fault is in what is found, not in how long it takes.
  const known = new Map<string, string>();
  const once = (text: string): string => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const result = fold(text);
    known.set(text, result);
    return result;
  };
  return {
    isMatch: (key: TokenKey, token: TokenRecord, record: TokenRecord): boolean => {
      const value = record[key.field];
      if (value == null || once(value) !== once(key.value)) return false;
      return matchesOn({ field: key.field, value }, { ...token, [key.field]: value }, record);
    },
  };
}

export const matchingFaults: readonly BrokenStore[] = [
  broken('M1', 'tries the keys in the reverse order', {
    rules: { keys: (token) => keysOf(token).toReversed() },
  }),
  broken('M1', 'knows no access token as a key', {
    rules: { keys: (token) => keysOf(token).filter(({ field }) => field !== 'accessToken') },
  }),
  broken('M2', 'matches by user only, across clients', {
    rules: {
      isMatch: (key, token, record) =>
        key.field === 'userName' ? record.userName === key.value : matchesOn(key, token, record),
    },
  }),
  broken('M2', 'matches a refresh token of whatever user', {
    rules: { isMatch: (key, _token, record) => record[key.field] === key.value },
  }),
  broken('M2', 'takes a record without a client for the record of another client', {
    rules: {
      isMatch: (key, token, record) =>
        matchesOn(key, token, record) &&
        (key.field === 'id' || (token.clientId ?? '') === (record.clientId ?? '')),
    },
  }),
  broken('T3', 'takes an empty user name for a user', {
    rules: {
      keys: (token) => [{ field: 'userName', value: token.userName ?? '' }, ...keysOf(token)],
      isMatch: (key, token, record) =>
        key.field === 'userName' && key.value === ''
          ? (record.userName ?? '') === ''
          : matchesOn(key, token, record),
    },
  }),
  broken('M5', 'compares client ids without upper and lower case', {
    rules: {
      isMatch: (key, token, record) => {
        const lower = <R extends TokenRecord>(one: R): R => ({
          ...one,
          clientId: one.clientId?.toLowerCase(),
        });
        return matchesOn(key, lower(token), lower<StoredRecord>(record));
      },
    },
  }),
  broken('T5', 'makes a token of whatever it is given', {
    methods: (store) => ({
      saveToken: (...[given, options]: Parameters<typeof store.saveToken>) => {
        const isToken = given instanceof OAuthToken;
        const token = isToken ? given : new OAuthToken({ refreshToken: JSON.stringify(given) });
        return store.saveToken(token, options);
      },
    }),
  }),
  broken('M3', 'finds the first record for a token without a key', {
    rules: { keyless: (records) => records[0] ?? null },
  }),
  broken('M4', 'takes the first of several that match', {
    rules: {
      choose: ([first]) => {
        if (first === undefined) throw new Error('there is none');
        return first;
      },
    },
  }),
  broken('M4', 'takes the newest of several that match', {
    rules: {
      choose: (matches) => {
        const last = matches.at(-1);
        if (last === undefined) throw new Error('there is none');
        return last;
      },
    },
  }),
  broken('M5', 'matches whatever the case', { rules: folded((text) => text.toLowerCase()) }),
  broken('M5', 'matches trimmed values', { rules: folded((text) => text.trim()) }),
  broken('M5', 'ignores trailing blanks, as a padded collation does', {
    rules: folded((text) => text.replace(/ +$/, '')),
  }),
  broken('M5', 'ignores accents', {
    rules: folded((text) => text.normalize('NFD').replace(/\p{Mn}/gu, '')),
  }),
  broken('M5', 'takes composed and decomposed letters for the same', {
    rules: folded((text) => text.normalize('NFC')),
  }),
  broken('M5', 'folds : and | in its key scheme', {
    rules: folded((text) => text.replaceAll(/[:|]/g, '_')),
  }),
  broken('M5', 'ends a key at the first comma', {
    rules: folded((text) => text.split(',', 1)[0] ?? ''),
  }),
  broken('M5', 'ends a key at NUL', { rules: folded((text) => text.split('\0', 1)[0] ?? '') }),
  broken('M5', 'reads % and _ in a key as wildcards', {
    rules: {
      isMatch: (key, token, record) => {
        const value = record[key.field];
        if (value == null || !like(key.value).test(value)) return false;
        return matchesOn({ field: key.field, value }, { ...token, [key.field]: value }, record);
      },
    },
  }),
  broken('M5', 'finds a user by the beginning of the name', {
    rules: {
      isMatch: (key, token, record) =>
        key.field === 'userName' && record.userName?.startsWith(key.value)
          ? matchesOn(
              { field: 'userName', value: record.userName },
              { ...token, userName: record.userName },
              record,
            )
          : matchesOn(key, token, record),
    },
  }),
  broken('M5', 'looks keys up in an object, which knows __proto__ and constructor', {
    rules: {
      isMatch: (key, token, record) => {
        const index: Record<string, unknown> = { [record[key.field] ?? '']: record };
        const found = index[key.value] !== undefined;
        return found && (matchesOn(key, token, record) || record[key.field] !== key.value);
      },
    },
  }),
];

function like(pattern: string): { test(text: string): boolean } {
  // Longer ones are more than an expression can hold, and are no patterns.
  if (pattern.length > 200) return { test: (text) => text === pattern };
  const parts = pattern.split(/([%_])/).map((part) => {
    if (part === '%') return '[^]*';
    return part === '_' ? '[^]' : part.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`, 'u');
}
