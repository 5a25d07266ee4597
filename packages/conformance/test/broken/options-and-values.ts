import {
  type JsonObject,
  type SaveOptions,
  TokenConflictError,
  TokenStoreError,
} from '@tokenkeep/core';
import { type BrokenStore, broken, type Fault } from './broken-store.ts';
import { keepsExtra, normalises } from './combined.ts';
import { type PlainTokenStore, RIGHT_RULES } from './plain-token-store.ts';

/** Looks at the options of a save in another way: a caller in JavaScript may give anything. */
const withOptions = (otherwise: (given: Readonly<Record<string, unknown>>) => object): Fault => ({
  methods: (store) => ({
    saveToken: (...[token, options]: Parameters<typeof store.saveToken>) => {
      const isObject = typeof options === 'object' && options !== null && !Array.isArray(options);
      return store.saveToken(
        token,
        isObject ? (otherwise({ ...options }) as SaveOptions) : options,
      );
    },
  }),
});

/** Does something with the errors of every method. */
const withErrors = (change: (error: unknown) => unknown): Fault => ({
  methods: (store) =>
    Object.fromEntries(
      METHODS.map((method) => [
        method,
        async (...args: unknown[]) => {
          try {
            return await Reflect.apply(store[method], store, args);
          } catch (error) {
            throw change(error);
          }
        },
      ]),
    ),
});

const METHODS = [
  'findToken',
  'findTokenById',
  'saveToken',
  'deleteToken',
  'getTokens',
  'deleteTokens',
] as const satisfies readonly (keyof PlainTokenStore)[];

/** Merges `extra` in another way. */
const mergesExtra = (how: (before: JsonObject, given: JsonObject) => JsonObject): Fault => ({
  rules: {
    merged: (record, token) => {
      const merged = RIGHT_RULES.merged(record, token);
      return token.extra == null
        ? merged
        : { ...merged, extra: how(record.extra ?? {}, token.extra) };
    },
  },
});

/** The names of `before` and `given`, but for those that `isGone`. */
const without = (
  before: JsonObject,
  given: JsonObject,
  isGone: (name: string) => boolean,
): JsonObject =>
  Object.fromEntries(Object.entries({ ...before, ...given }).filter(([name]) => !isGone(name)));

/** What a document database makes of the dots in a name: an object in an object. */
function setByPath(before: JsonObject, given: JsonObject): JsonObject {
  const merged: Record<string, unknown> = structuredClone(before);
  for (const [name, value] of Object.entries(given)) {
    const parts = name.split('.');
    const last = parts.pop() ?? '';
    let inner = merged;
    for (const part of parts) {
      if (typeof inner[part] !== 'object' || inner[part] === null) inner[part] = {};
      inner = inner[part] as Record<string, unknown>;
    }
    if (value === null) delete inner[last];
    else inner[last] = value;
  }
  return merged as JsonObject;
}

/** Sets names by assignment, which makes a prototype of what is called `__proto__`. */
function assigned(before: JsonObject, given: JsonObject): JsonObject {
  const merged: Record<string, unknown> = {};
  for (const [name, value] of [...Object.entries(before), ...Object.entries(given)]) {
    if (value === null && Object.hasOwn(given, name)) delete merged[name];
    else merged[name] = value;
  }
  return merged as JsonObject;
}

/** Changes every number in `extra`. */
const keepsNumbers = (how: (value: number) => number | null): Fault =>
  keepsExtra((_name, value) => (typeof value === 'number' ? how(value) : value));

/** A value without what is nested deeper than this. */
function cut(depth: number, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return Array.isArray(value) ? [] : {};
  return Array.isArray(value)
    ? value.map((one) => cut(depth - 1, one))
    : Object.fromEntries(Object.entries(value).map(([name, one]) => [name, cut(depth - 1, one)]));
}

/** Faults of a single option, of a kind of error, and of values that a kind of storage can't hold. */
export const optionAndValueFaults: readonly BrokenStore[] = [
  broken(
    'C14',
    'says of every failure that the call may be tried again',
    withErrors((error) => Object.defineProperty(Object(error), 'retryable', { value: true })),
  ),
  broken('M4', 'refuses what is ambiguous with the code alone, not with its class', {
    rules: {
      choose: () => {
        throw new TokenStoreError('AMBIGUOUS_TOKEN', 'Name the client too.');
      },
    },
  }),
  broken(
    'V2',
    'refuses another version with the code alone, not with its class',
    withErrors((error) => {
      if (!(error instanceof TokenConflictError)) return error;
      const { code, message, operation, currentVersion } = error;
      return Object.assign(new TokenStoreError(code, message, { operation }), { currentVersion });
    }),
  ),
  broken(
    'C14',
    'ignores an option of a save that it does not know',
    withOptions((given) =>
      Object.fromEntries(
        Object.entries(given).filter(([name]) => ['ifVersion', 'ifExists', 'clear'].includes(name)),
      ),
    ),
  ),
  broken('C14', 'takes null for no options', {
    methods: (store) => ({
      saveToken: (...[token, options]: Parameters<typeof store.saveToken>) =>
        store.saveToken(token, options ?? undefined),
      deleteToken: (...[id, options]: Parameters<typeof store.deleteToken>) =>
        store.deleteToken(id, options ?? undefined),
    }),
  }),
  broken(
    'C18',
    'clears nothing where clear is null',
    withOptions((given) => (given['clear'] === null ? { ...given, clear: [] } : given)),
  ),
  broken(
    'C14',
    'takes what is no boolean for ifExists: false or true',
    withOptions((given) =>
      'ifExists' in given && typeof given['ifExists'] !== 'string'
        ? { ...given, ifExists: Boolean(given['ifExists']) }
        : given,
    ),
  ),
  broken('C14', 'says getTokens where tokens() has failed', {
    methods: (store) => ({
      async *tokens() {
        try {
          yield* store.tokens();
        } catch (error) {
          if (error instanceof TokenStoreError) error.operation = 'getTokens';
          throw error;
        }
      },
    }),
  }),
  broken('C14', 'throws out of tokens() itself when it is closed', {
    methods: (store) => {
      let isClosed = false;
      return {
        tokens: () => {
          if (isClosed) {
            throw new TokenStoreError('STORE_CLOSED', 'It was closed.', { operation: 'tokens' });
          }
          return store.tokens();
        },
        close: () => {
          isClosed = true;
          return store.close();
        },
      };
    },
  }),
  broken('C14', 'reads before tokens() is asked for the first, and lets that fail unheard', {
    methods: (store) => ({
      tokens: () => {
        const first = store.getTokens();
        return (async function* tokens() {
          await first;
          yield* store.tokens();
        })();
      },
    }),
  }),
  broken('T4', 'has no room for a record of more than two megabytes of JSON', {
    rules: {
      kept: (record) => {
        if (JSON.stringify(record).length <= 2 ** 21) return record;
        throw new TokenStoreError('STORAGE_FULL', 'The record is too large.');
      },
    },
  }),
  broken(
    'M2',
    'compares the first 255 characters of an issuer',
    normalises('issuer', (text) => text.slice(0, 255)),
  ),
  broken(
    'M2',
    'compares resources in their normal form of Unicode',
    normalises('resource', (text) => text.normalize('NFC')),
  ),
  broken(
    'M2',
    'compares an issuer up to NUL',
    normalises('issuer', (text) => text.split('\0', 1)[0] ?? ''),
  ),
  broken(
    'M2',
    'takes no notice of blanks at the end of an issuer',
    normalises('issuer', (text) => text.trimEnd()),
  ),
  broken('C3', 'takes a dot in a name of extra for a path', mergesExtra(setByPath)),
  broken('C3', 'loses what is called __proto__ in extra when it is updated', mergesExtra(assigned)),
  broken(
    'C3',
    'looks for the names that a save gives with `in`, which finds toString in every object',
    mergesExtra((before, given) => {
      const kept = Object.entries(before).filter(([name]) => !(name in given));
      const added = Object.entries(given).filter(([, value]) => value !== null);
      return Object.fromEntries([...kept, ...added]);
    }),
  ),
  broken(
    'C3',
    'takes a name of extra away in every spelling',
    mergesExtra((before, given) => {
      const gone = Object.keys(given).filter((name) => given[name] === null);
      const folded = new Set(gone.map((name) => name.toLowerCase()));
      return without(before, given, (name) => folded.has(name.toLowerCase()));
    }),
  ),
  broken(
    'C3',
    'does not take away a name of extra with a dot in it',
    mergesExtra((before, given) => {
      const isTaken = ([name, value]: [string, unknown]) => value !== null || !name.includes('.');
      const taken = Object.fromEntries(Object.entries(given).filter(isTaken));
      return without(before, taken, (name) => Object.hasOwn(taken, name) && taken[name] === null);
    }),
  ),
  broken('T1', 'keeps fifty objects in each other and no more', {
    rules: {
      kept: (record) =>
        record.extra == null ? record : { ...record, extra: cut(50, record.extra) as JsonObject },
    },
  }),
  broken(
    'T1',
    'has no room for numbers beyond 9.9e125',
    keepsNumbers((value) => (Math.abs(value) >= 1e126 ? null : value)),
  ),
  broken(
    'T1',
    'takes the smallest numbers for 0',
    keepsNumbers((value) => (Math.abs(value) < 1e-130 ? 0 : value)),
  ),
];
