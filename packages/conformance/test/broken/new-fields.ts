import type { JsonObject, StoredRecord, TokenRecord } from '@tokenkeep/core';
import { OAuthToken } from '@tokenkeep/core';
import { matchesOn } from '@tokenkeep/core/rules';
import { type BrokenStore, broken } from './broken-store.ts';
import { RIGHT_RULES } from './plain-token-store.ts';
import { talkative } from './reading.ts';

const { added, merged, without } = RIGHT_RULES;

/** Merges `extra` in another way. */
const mergesExtra = (merge: (before: JsonObject, given: JsonObject) => JsonObject) => ({
  rules: {
    merged: (record: StoredRecord, token: TokenRecord): StoredRecord => ({
      ...merged(record, token),
      ...(token.extra == null ? {} : { extra: merge(record.extra ?? {}, token.extra) }),
    }),
  },
});

/** Compares everything but one field of whose a record is. */
const ignores = (owner: 'issuer' | 'resource') => ({
  rules: {
    isMatch: (...[key, token, record]: Parameters<typeof matchesOn>): boolean =>
      matchesOn(key, { ...token, [owner]: undefined }, record),
  },
});

/** Gives out tokens that are right but for some of their methods. */
const givesTokensWith = (methods: (record: StoredRecord) => object) => ({
  rules: { given: (record: StoredRecord) => talkative(record, methods(record)) },
});

/** A copy of a token that is checked by nobody. */
const unchecked = (record: StoredRecord) => ({
  with: (changes: object): OAuthToken =>
    talkative(record, { toRecord: () => ({ ...record, ...changes }) }),
});

export const newFieldFaults: readonly BrokenStore[] = [
  broken('T1', 'drops the issuer', { rules: { kept: ({ issuer: _, ...record }) => record } }),
  broken('T1', 'drops the resource', { rules: { kept: ({ resource: _, ...record }) => record } }),
  broken('T1', 'drops the lease', { rules: { kept: ({ lease: _, ...record }) => record } }),
  ...(['issuer', 'resource', 'lease'] as const).map((field) =>
    broken('T4', `keeps the ${field} in UTF-8 of three bytes`, {
      rules: {
        kept: (record) => ({
          ...record,
          ...(record[field] == null
            ? {}
            : { [field]: record[field].replace(/[\u{10000}-\u{10ffff}]/gu, '?') }),
        }),
      },
    }),
  ),
  broken('C3', 'keeps the first lease', {
    rules: {
      merged: (record, token) => {
        const after = merged(record, token);
        return record.lease == null ? after : { ...after, lease: record.lease };
      },
    },
  }),
  broken('T7', 'takes the mark of redaction for a value', givesTokensWith(unchecked)),
  broken(
    'T8',
    'takes seconds for milliseconds',
    givesTokensWith((record) => ({
      with: (changes: { expiresAt?: number; expiresIn?: number }) => {
        const { expiresAt, expiresIn, ...rest } = changes;
        return OAuthToken.fromRecord(record).with({ ...rest, expiresAt: 1_900_000_000_000 });
      },
    })),
  ),
  broken(
    'T9',
    'finds all tokens equal',
    givesTokensWith(() => ({ equals: () => true })),
  ),
  broken(
    'T9',
    'finds a token equal to nothing but itself',
    givesTokensWith(() => ({ equals: () => false })),
  ),
  broken('M2', 'matches across issuers', ignores('issuer')),
  broken('M2', 'matches across resources', ignores('resource')),
  broken('M2', 'takes a record without an issuer for that of another issuer', {
    rules: {
      isMatch: (key, token, record) =>
        matchesOn(key, token, record) &&
        (key.field === 'id' || (token.issuer ?? '') === (record.issuer ?? '')),
    },
  }),
  broken('C3', 'keeps the expiry of the access token before', {
    rules: {
      merged: (record, token) => {
        const next = merged(record, token);
        return { ...next, expiresAt: token.expiresAt ?? record.expiresAt };
      },
    },
  }),
  broken('C3', 'drops the expiry at every save that has none', {
    rules: {
      merged: (record, token) => ({ ...merged(record, token), expiresAt: token.expiresAt }),
    },
  }),
  broken(
    'C3',
    'replaces extra as a whole',
    mergesExtra((_before, given) => given),
  ),
  broken(
    'C3',
    'keeps names of extra that are given as null',
    mergesExtra((before, given) => ({ ...before, ...given })),
  ),
  broken(
    'C3',
    'merges extra all the way down',
    mergesExtra((before, given) =>
      Object.fromEntries(
        Object.entries({ ...before, ...given }).flatMap(([name, value]) => {
          if (value === null) return [];
          const old = before[name];
          const isObject = (part: unknown): part is JsonObject =>
            typeof part === 'object' && part !== null && !Array.isArray(part);
          return [[name, isObject(old) && isObject(value) ? { ...old, ...value } : value]];
        }),
      ),
    ),
  ),
  broken('C4', 'refuses extra alone', {
    rules: {
      hasNothingToAdd: ({ refreshToken, grantToken, accessToken }) =>
        refreshToken == null && grantToken == null && accessToken == null,
    },
  }),
  broken('C4', 'adds a name of extra that is null', {
    rules: {
      added: (...args) => ({ ...added(...args), extra: args[0].extra }),
    },
  }),
  broken('C18', 'ignores clear', { rules: { without: (record) => record } }),
  broken('C18', 'clears everything but extra', {
    rules: {
      without: (record, clear) =>
        without(
          record,
          clear.filter((field) => field !== 'extra'),
        ),
    },
  }),
  broken('C18', 'clears the tokens whenever something is cleared', {
    rules: {
      without: (record, clear) =>
        without(record, clear.length === 0 ? clear : [...clear, 'grantToken']),
    },
  }),
  broken('C18', 'finds a record by a key that was cleared', {
    methods: (store) => {
      const old = new Map<string, string>();
      return {
        saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
          const before = options?.clear ? await store.findToken(token) : null;
          const saved = await store.saveToken(token, options);
          if (before?.refreshToken !== undefined && saved.refreshToken === undefined) {
            old.set(before.refreshToken, saved.id ?? '');
          }
          return saved;
        },
        findToken: async (token: OAuthToken) => {
          const id = old.get(OAuthToken.from(token).refreshToken ?? '');
          return (
            (await store.findToken(token)) ?? (id === undefined ? null : store.findTokenById(id))
          );
        },
      };
    },
  }),
  broken('C18', 'takes every name that is to be cleared', {
    methods: (store) => ({
      saveToken: (...[token, options]: Parameters<typeof store.saveToken>) => {
        const { clear, ...rest } = options ?? {};
        if (!Array.isArray(clear)) return store.saveToken(token, options);
        const known = clear.filter(
          (name: unknown) =>
            typeof name === 'string' &&
            /^[a-z]+[A-Z]?[a-z]+$/.test(name) &&
            !['id', 'version', 'refreshtoken'].includes(name),
        );
        const given = OAuthToken.from(token).toRecord();
        const free = known.filter(
          (name) => name === 'userSignature' || given[name as keyof TokenRecord] == null,
        );
        return store.saveToken(token, { ...rest, clear: free });
      },
    }),
  }),
  broken('C18', 'clears in a save of its own, also if the save is refused', {
    methods: (store) => ({
      saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
        const { clear, ...rest } = options ?? {};
        if (clear === undefined || rest.ifVersion === undefined)
          return store.saveToken(token, options);
        const found = await store.findToken(token);
        if (found !== null) await store.saveToken(new OAuthToken({ id: found.id }), { clear });
        return store.saveToken(token, rest);
      },
    }),
  }),
];
