import process from 'node:process';
import { inspect } from 'node:util';
import { OAuthToken, type StoredRecord } from '@tokenkeep/core';
import { type BrokenStore, broken } from './broken-store.ts';
import { RIGHT_RULES } from './plain-token-store.ts';
import { pause } from './shelf.ts';

/** Changes every text of a record before it is kept. */
const keptAs = (change: (text: string) => string) => ({
  rules: {
    kept: (record: StoredRecord): StoredRecord => ({
      ...record,
      ...Object.fromEntries(
        Object.entries(record).map(([field, value]) => [
          field,
          typeof value === 'string' && field !== 'id' ? change(value) : value,
        ]),
      ),
    }),
  },
});

/** A token that shows what is in the record now, and lets it be changed. */
function live(record: StoredRecord): OAuthToken {
  const { extra } = record;
  return Object.create(OAuthToken.fromRecord(record), {
    toRecord: { value: () => record },
    extra: { value: extra },
    id: { value: record.id },
    version: { value: record.version },
    userSignature: { value: record.userName == null ? null : { name: record.userName } },
    refreshToken: { get: () => record.refreshToken ?? null },
    accessToken: { get: () => record.accessToken ?? null },
  });
}

/** A token that is right but for some of its methods. */
export function talkative(record: StoredRecord, methods: object): OAuthToken {
  const right = OAuthToken.fromRecord(record);
  // `util.inspect` looks behind a proxy: what it finds there has to be put wrong too.
  const shown = Object.create(OAuthToken.prototype, Object.getOwnPropertyDescriptors(methods));
  return new Proxy(shown, {
    get: (_shown, name) => {
      const value: unknown = Reflect.get(Object.hasOwn(methods, name) ? methods : right, name);
      return typeof value === 'function' ? value.bind(right) : value;
    },
  });
}

/** Tokens by what is in them: the same is handed out for as long as nothing changes. */
const handedOut = new Map<string, OAuthToken>();

function handOutAgain(record: StoredRecord): OAuthToken {
  const content = JSON.stringify(record);
  const token = handedOut.get(content) ?? OAuthToken.fromRecord(record);
  handedOut.set(content, token);
  return token;
}

export const readingFaults: readonly BrokenStore[] = [
  broken('C1', 'hands out one token of a record again and again', {
    rules: { given: handOutAgain },
  }),
  broken('T1', 'keeps expiresAt in seconds', {
    rules: {
      kept: (record) => ({ ...record, expiresAt: divided(record.expiresAt, 1000) }),
    },
  }),
  broken('T1', 'rounds expiresAt to seconds', {
    rules: {
      kept: (record) => {
        const seconds = divided(record.expiresAt, 1000);
        return { ...record, expiresAt: seconds == null ? seconds : seconds * 1000 };
      },
    },
  }),
  broken('T1', 'drops extra', {
    rules: {
      kept: ({ extra: _extra, ...record }) => record,
    },
  }),
  broken('T1', 'drops the redirect URL', {
    rules: {
      kept: ({ redirectUrl: _redirectUrl, ...record }) => record,
    },
  }),
  broken(
    'T4',
    'cuts a value at 255 characters',
    keptAs((text) => text.slice(0, 255)),
  ),
  broken(
    'T4',
    'cuts a value at 65,535 bytes',
    keptAs((text) => text.slice(0, 65_535)),
  ),
  broken(
    'T4',
    'cuts a value at NUL',
    keptAs((text) => text.split('\0', 1)[0] ?? ''),
  ),
  broken(
    'T4',
    'mangles what is not Latin-1',
    keptAs((text) => Buffer.from(text, 'latin1').toString('latin1')),
  ),
  broken(
    'T4',
    'has no room for four-byte characters',
    keptAs((text) => text.replaceAll(/[\u{10000}-\u{10ffff}]/gu, '?')),
  ),
  broken(
    'T4',
    'trims what it keeps',
    keptAs((text) => text.trim() || text),
  ),
  broken(
    'T4',
    'doubles backslashes',
    keptAs((text) => text.replaceAll('\\', '\\\\')),
  ),
  broken(
    'T4',
    'keeps lines of CSV: a newline becomes a blank',
    keptAs((text) => text.replaceAll('\n', ' ')),
  ),
  broken('T6', 'gives out tokens that show their secrets when they are inspected', {
    rules: { given: (record) => talkative(record, { [inspect.custom]: () => record }) },
  }),
  broken('T6', 'gives out tokens that show their secrets as JSON', {
    rules: { given: (record) => talkative(record, { toJSON: () => record }) },
  }),
  broken('T6', 'keeps its records where whoever inspects the store sees them', {
    methods: (_store, shelf) => ({ shelf }),
  }),
  broken('T6', 'keeps its records in a property that is hidden', {
    methods: (store, shelf) => ({
      getTokens: Object.defineProperty(() => store.getTokens(), 'shelf', { value: shelf }),
    }),
  }),
  broken('T6', 'prints what it saves', {
    methods: (store) => ({
      saveToken: (...args: Parameters<typeof store.saveToken>) => {
        const { clientSecret, scope } = OAuthToken.from(args[0]);
        if (clientSecret !== undefined) console.debug('saving', { clientSecret, scope });
        return store.saveToken(...args);
      },
    }),
  }),
  broken('T6', 'warns of a slow save, with the token in the warning', {
    methods: (store) => ({
      saveToken: (...args: Parameters<typeof store.saveToken>) => {
        const { clientSecret } = OAuthToken.from(args[0]);
        if (clientSecret !== undefined) process.emitWarning(`slow: ${clientSecret}`);
        return store.saveToken(...args);
      },
    }),
  }),
  broken('C1', 'gives undefined where there is nothing', {
    methods: (store) => ({
      findToken: async (token: OAuthToken) => (await store.findToken(token)) ?? undefined,
    }),
  }),
  broken('C1', 'rejects where there is nothing', {
    methods: (store) => ({
      findToken: async (token: OAuthToken) => {
        const found = await store.findToken(token);
        if (found === null) throw new Error('not found');
        return found;
      },
    }),
  }),
  broken('C1', 'gives the access token only', {
    methods: (store) => ({
      findToken: async (token: OAuthToken) => {
        const found = await store.findToken(token);
        if (found === null) return null;
        const { id, accessToken, version } = found;
        return new OAuthToken({ id, accessToken, version });
      },
    }),
  }),
  broken('C1', 'notes down when a record was found, as a new version of it', {
    methods: (store) => ({
      findToken: async (token: OAuthToken) => {
        const found = await store.findToken(token);
        return found && store.saveToken(found);
      },
    }),
  }),
  broken('C1', 'takes damaged storage for an empty one', {
    rules: {
      read: (shelf) => RIGHT_RULES.read(shelf).catch(() => []),
    },
  }),
  broken('C2', 'rejects an id that nobody has', {
    methods: (store) => ({
      findTokenById: async (id: string) => {
        const found = await store.findTokenById(id);
        if (found === null) throw new Error('no such id');
        return found;
      },
    }),
  }),
  broken('C10', 'gives the newest first', { rules: { listed: (records) => records.toReversed() } }),
  broken('C10', 'gives a hundred at most', {
    rules: { listed: (records) => records.slice(0, 100) },
  }),
  broken('C10', 'forgets the oldest beyond a thousand', {
    rules: { placed: (...args) => RIGHT_RULES.placed(...args).slice(-1000) },
  }),
  broken('C10', 'moves a record to the end when it is updated', {
    rules: {
      placed: (records, old, record) => [...records.filter((one) => one !== old), record],
    },
  }),
  broken('C10', 'gives null where there is no record', {
    methods: (store) => ({
      getTokens: async () => {
        const tokens = await store.getTokens();
        return tokens.length === 0 ? null : tokens;
      },
    }),
  }),
  broken('C12', 'hands out the record itself, and changes it in place', {
    rules: {
      merged: (record, token) => Object.assign(record, RIGHT_RULES.merged(record, token)),
      given: live,
    },
  }),
  broken('C12', 'hands out the list that it keeps', {
    methods: (store) => {
      let list: OAuthToken[] | undefined;
      const changes =
        <Args extends unknown[], Result>(method: (...args: Args) => Result) =>
        (...args: Args): Result => {
          list = undefined;
          return method(...args);
        };
      return {
        saveToken: changes(store.saveToken.bind(store)),
        deleteToken: changes(store.deleteToken.bind(store)),
        deleteTokens: changes(store.deleteTokens.bind(store)),
        getTokens: async () => {
          list ??= await store.getTokens();
          return list;
        },
      };
    },
  }),
  broken('C12', 'keeps the options by reference, and reads them later', {
    methods: (store) => ({
      saveToken: async (...args: Parameters<typeof store.saveToken>) => {
        await pause();
        return store.saveToken(...args);
      },
    }),
  }),
  broken('C13', 'answers from a cache after another handle saved', {
    methods: (store) => {
      const cache = new Map<string, OAuthToken>();
      return {
        findToken: async (token: OAuthToken) => {
          const name = JSON.stringify(OAuthToken.from(token).toRecord());
          const found = cache.get(name) ?? (await store.findToken(token));
          if (found !== null) cache.set(name, found);
          return found;
        },
        saveToken: (...args: Parameters<typeof store.saveToken>) => {
          cache.clear();
          return store.saveToken(...args);
        },
        deleteToken: (id: string) => {
          cache.clear();
          return store.deleteToken(id);
        },
        deleteTokens: () => {
          cache.clear();
          return store.deleteTokens();
        },
      };
    },
  }),
  broken('C16', 'counts the records of every store of the backend', {
    methods: (_store, _shelf, all) => ({
      getTokens: async () => {
        const lists = await Promise.all(Array.from(all.values(), (shelf) => shelf.read()));
        return lists.flat().map((record) => OAuthToken.fromRecord(record));
      },
    }),
  }),
];

function divided(value: number | null | undefined, by: number): number | null | undefined {
  return value == null ? value : Math.floor(value / by);
}
