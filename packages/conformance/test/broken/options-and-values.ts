import {
  type JsonObject,
  OAuthToken,
  type SaveOptions,
  type StoredRecord,
  TokenConflictError,
  TokenStoreError,
} from '@tokenkeep/core';
import { CLEARABLE_FIELDS, refuseOtherVersion } from '@tokenkeep/core/adapter';
import { keysOf, matchesOn } from '@tokenkeep/core/rules';
import { type BrokenStore, broken, type Fault } from './broken-store.ts';
import { keepsExtra, normalises } from './combined.ts';
import { type PlainTokenStore, RIGHT_RULES } from './plain-token-store.ts';
import { pause, type Shelf } from './shelf.ts';

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

/** Saves in another way where the token and the options are such as they should be. */
const savesOtherwise = (
  save: (
    store: PlainTokenStore,
    shelf: Shelf,
    token: OAuthToken,
    options: SaveOptions,
  ) => Promise<OAuthToken>,
): Fault => ({
  methods: (store, shelf) => ({
    saveToken: (...[token, options]: Parameters<typeof store.saveToken>) =>
      token instanceof OAuthToken && typeof options === 'object' && options !== null
        ? save(store, shelf, token, options)
        : store.saveToken(token, options),
  }),
});

/** Absorbs nothing where a save has such options: what went is there again. */
const keepsAbsorbed = (isMeant: (options: SaveOptions) => boolean): Fault =>
  savesOtherwise(async (store, shelf, token, options) => {
    const before = await shelf.read();
    const saved = await store.saveToken(token, options);
    if (!isMeant(options)) return saved;
    const wanted = token.toRecord();
    await shelf.change((records) => {
      for (const [at, one] of before.entries()) {
        const isGone = records.every(({ id }) => id !== one.id);
        if (isGone && RIGHT_RULES.isAbsorbed(wanted, one, keysOf(wanted)))
          records.splice(at, 0, one);
      }
    });
    return saved;
  });

/** Changes what a save over a version has written. */
const afterSaveOverVersion = (
  change: (kept: StoredRecord, before: StoredRecord, token: OAuthToken) => StoredRecord,
): Fault =>
  savesOtherwise(async (store, shelf, token, options) => {
    const before = await shelf.read();
    const saved = await store.saveToken(token, options);
    const old = before.find(({ id }) => id === saved.id);
    if (!options.ifVersion || old === undefined) return saved;
    return shelf.change((records) => {
      const at = records.findIndex(({ id }) => id === saved.id);
      const { [at]: kept } = records;
      if (kept === undefined) return saved;
      const changed = change(kept, old, token);
      records[at] = changed;
      return OAuthToken.fromRecord(changed);
    });
  });

/** Does not look at whether a user name is taken while such a save is on its way. */
const takesNames = (isMeant: (options: SaveOptions) => boolean): Fault => {
  let isLooking = true;
  return {
    rules: { isTaken: (token, record) => isLooking && RIGHT_RULES.isTaken(token, record) },
    ...savesOtherwise(async (store, _shelf, token, options) => {
      isLooking = !isMeant(options);
      try {
        return await store.saveToken(token, options);
      } finally {
        isLooking = true;
      }
    }),
  };
};

/** Finds no record under such options where the first key of the token does not lead to one. */
const looksForFirstKey = (isMeant: (options: SaveOptions) => boolean): Fault =>
  savesOtherwise(async (store, shelf, token, options) => {
    const wanted = token.toRecord();
    const [key] = keysOf(wanted);
    if (key !== undefined && isMeant(options)) {
      const records = await shelf.read();
      if (!records.some((record) => matchesOn(key, wanted, record))) {
        refuseOtherVersion(null, { ifExists: true });
      }
    }
    return store.saveToken(token, options);
  });

const isConflict = (error: unknown): error is TokenConflictError =>
  error instanceof TokenConflictError && error.code === 'VERSION_CONFLICT';

/** Where each record was put, which is forgotten by none. */
const places = new Map<string, number>();

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
  broken(
    'C5',
    'absorbs nothing under ifVersion',
    keepsAbsorbed(({ ifVersion }) => ifVersion !== undefined),
  ),
  broken(
    'C5',
    'absorbs nothing where something is cleared',
    keepsAbsorbed(({ clear = [] }) => clear.length > 0),
  ),
  broken(
    'C5',
    'absorbs nothing under ifExists',
    keepsAbsorbed(({ ifExists }) => ifExists === true),
  ),
  broken(
    'C3',
    'replaces extra as a whole under ifVersion',
    afterSaveOverVersion((kept, _before, { extra }) => {
      const names = Object.entries(extra ?? {}).filter(([, value]) => value !== null);
      return extra === undefined ? kept : { ...kept, extra: Object.fromEntries(names) };
    }),
  ),
  broken(
    'C3',
    'leaves the expiry of the access token before under ifVersion',
    afterSaveOverVersion((kept, before) => ({
      ...kept,
      expiresAt: kept.expiresAt ?? before.expiresAt,
    })),
  ),
  broken('C3', 'forgets the client of a record that is given its user by its id', {
    rules: {
      merged: (record, token) => {
        const merged = RIGHT_RULES.merged(record, token);
        const isNamed = token.id != null && token.userName != null && record.userName == null;
        return isNamed && token.clientId == null ? { ...merged, clientId: undefined } : merged;
      },
    },
  }),
  broken(
    'C4',
    'adds under an id of its own where the token has one, with ifVersion: 0',
    savesOtherwise((store, _shelf, token, options) => {
      const isBare = token.userSignature === undefined && keysOf(token.toRecord()).length > 1;
      const named = options.ifVersion === 0 && isBare ? token.with({ id: null }) : token;
      return store.saveToken(named, options);
    }),
  ),
  broken(
    'C7',
    'takes the user name of another record under ifVersion',
    takesNames(({ ifVersion = 0 }) => ifVersion > 0),
  ),
  broken(
    'M4',
    'takes of several records that with the version of ifVersion',
    savesOtherwise(async (store, shelf, token, options) => {
      try {
        return await store.saveToken(token, options);
      } catch (error) {
        const isAmbiguous = error instanceof TokenStoreError && error.code === 'AMBIGUOUS_TOKEN';
        if (!isAmbiguous || !options.ifVersion) throw error;
        const wanted = token.toRecord();
        const matches = (await shelf.read()).filter((record) =>
          keysOf(wanted).some((key) => matchesOn(key, wanted, record)),
        );
        const [one, ...more] = matches.filter(({ version }) => version === options.ifVersion);
        if (one === undefined || more.length > 0) throw error;
        return store.saveToken(token.with({ id: one.id }), options);
      }
    }),
  ),
  broken(
    'V2',
    'takes the version of a record that would be absorbed for that of the record',
    savesOtherwise(async (store, shelf, token, options) => {
      try {
        return await store.saveToken(token, options);
      } catch (error) {
        if (!isConflict(error) || !options.ifVersion || !error.currentVersion) throw error;
        const wanted = token.toRecord();
        const isMeant = (await shelf.read()).some(
          (record) =>
            record.version === options.ifVersion &&
            RIGHT_RULES.isAbsorbed(wanted, record, keysOf(wanted)),
        );
        if (!isMeant) throw error;
        return store.saveToken(token, { ...options, ifVersion: error.currentVersion });
      }
    }),
  ),
  broken(
    'V5',
    'looks only for the first key of the token under ifExists',
    looksForFirstKey(({ ifExists }) => ifExists === true),
  ),
  broken(
    'V2',
    'looks only for the first key of the token under ifVersion',
    looksForFirstKey(({ ifVersion = 0 }) => ifVersion > 0),
  ),
  broken(
    'V5',
    'adds in spite of ifExists where ifVersion is 0',
    savesOtherwise((store, _shelf, token, options) =>
      store.saveToken(token, options.ifVersion === 0 ? { ...options, ifExists: false } : options),
    ),
  ),
  broken(
    'C18',
    'clears in a second step',
    savesOtherwise(async (store, shelf, token, options) => {
      const { clear = [], ...rest } = options;
      const isList: boolean = Array.isArray(clear);
      const isRight =
        isList &&
        clear.every((field) => CLEARABLE_FIELDS.includes(field) && token[field] === undefined);
      if (!isRight || (await store.findToken(token)) === null)
        return store.saveToken(token, options);
      const saved = await store.saveToken(token, rest);
      await pause();
      return shelf.change((records) => {
        const at = records.findIndex(({ id }) => id === saved.id);
        const { [at]: kept } = records;
        if (kept === undefined) return saved;
        const fields = clear.map((field) => (field === 'userSignature' ? 'userName' : field));
        const cleared = RIGHT_RULES.without(kept, fields);
        records[at] = cleared;
        return OAuthToken.fromRecord(cleared);
      });
    }),
  ),
  broken('C12', 'copies the options of a save, and not the list of what to clear', {
    methods: (store) => ({
      saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
        const isObject = typeof options === 'object' && options !== null;
        const copy = isObject ? { ...options } : options;
        await pause();
        return store.saveToken(token, copy);
      },
    }),
  }),
  broken('C12', 'keeps the options of a delete by reference, and reads them later', {
    methods: (store) => ({
      deleteToken: async (...args: Parameters<typeof store.deleteToken>) => {
        await pause();
        return store.deleteToken(...args);
      },
    }),
  }),
  broken('C10', 'takes for the place of a record how many there are', {
    rules: {
      added: (...args) => {
        const record = RIGHT_RULES.added(...args);
        places.set(record.id, args[1].length + 1);
        return record;
      },
      listed: (records) =>
        records.toSorted(
          (a, b) => (places.get(a.id) ?? 0) - (places.get(b.id) ?? 0) || (a.id < b.id ? -1 : 1),
        ),
    },
  }),
];
