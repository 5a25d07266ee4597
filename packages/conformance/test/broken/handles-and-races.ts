import { OAuthToken, type StoredRecord, type TokenRecord, type TokenStore } from '@tokenkeep/core';
import { refuseOtherVersion } from '@tokenkeep/core/adapter';
import { keysOf, matchesOn } from '@tokenkeep/core/rules';
import { KEYS } from '../../src/keys.ts';
import { type BrokenStore, broken, type Fault } from './broken-store.ts';
import { type PlainTokenStore, RIGHT_RULES } from './plain-token-store.ts';
import { pause, type Shelf } from './shelf.ts';

const { added, merged, hasNothingToAdd } = RIGHT_RULES;

type Save = Parameters<TokenStore['saveToken']>;

/** Whether this is the only key of a token. */
const isOnly = (key: string, token: OAuthToken): boolean =>
  KEYS.every((one) => (one === key) === (Reflect.get(Object(token), one) !== undefined));

/** Methods that write, each of which is told of before it does. */
const beforeWriting = (store: PlainTokenStore, tell: () => void) => {
  const told =
    <Args extends unknown[], Result>(method: (...args: Args) => Result) =>
    (...args: Args): Result => {
      tell();
      return method(...args);
    };
  return {
    saveToken: told(store.saveToken.bind(store)),
    deleteToken: told(store.deleteToken.bind(store)),
    deleteTokens: told(store.deleteTokens.bind(store)),
  };
};

/** The number of a record in the order of the list, as the handle that added it counts. */
const numbers = new Map<string, number>();

/** The versions of records that went, and when, by their ids. */
const removed = new Map<string, { readonly version: number; readonly at: number }>();

/** Remembers the version of each record that goes, as long as it does. */
const remembersVersions = (forget: () => void): Fault => ({
  rules: {
    removedVersion: (known) => known,
    change: (shelf, work) =>
      shelf.change(async (records) => {
        const before = [...records];
        const result = await work(records);
        const left = new Set(records.map(({ id }) => id));
        for (const { id, version } of before) {
          if (left.has(id)) continue;
          removed.delete(id);
          removed.set(id, { version, at: Date.now() });
        }
        return result;
      }),
    added: (token, records) => {
      forget();
      return added(token, records, removed.get(token.id ?? '')?.version ?? 0);
    },
  },
});

/** Saves by this key write, after a while, what they made of the record that they read. */
const writesLater = (key: string): Fault => ({
  methods: (store, shelf) => ({
    saveToken: async (...[token, options]: Save) => {
      if (options !== undefined || !isOnly(key, token)) return store.saveToken(token, options);
      const found = await store.findToken(token);
      const record = (await shelf.read()).find(({ id }) => id === found?.id);
      if (record === undefined) return store.saveToken(token);
      const next = merged(record, token.toRecord());
      await pause();
      const saved = await shelf.change((records) => replaced(records, next));
      return saved ?? store.saveToken(token);
    },
  }),
});

/** Puts a record in the place of the one with its id, as the next version of that. */
function replaced(records: StoredRecord[], record: StoredRecord): OAuthToken | null {
  const at = records.findIndex(({ id }) => id === record.id);
  const before = records[at];
  if (before === undefined) return null;
  const next = { ...record, version: before.version + 1 };
  records[at] = next;
  return OAuthToken.fromRecord(next);
}

/** Records that are being updated. */
const updating = new WeakMap<Shelf, Set<string | undefined>>();

/** Says of a record for a while that it is being updated, and updates it then. */
const updatesSlowly =
  (store: PlainTokenStore, shelf: Shelf, mark: (record: OAuthToken) => string | undefined) =>
  async (...[token, options]: Save): Promise<OAuthToken> => {
    const found = options === undefined ? await store.findToken(token) : null;
    if (found === null) return store.saveToken(token, options);
    const marks = updating.get(shelf) ?? new Set();
    updating.set(shelf, marks.add(mark(found)));
    await pause();
    await pause();
    try {
      return await store.saveToken(token);
    } finally {
      marks.delete(mark(found));
    }
  };

/** Whether nothing of these records has anything to do with a token. */
const isUnknown = (token: TokenRecord, records: readonly StoredRecord[]): boolean =>
  records.every(
    (record) =>
      record.id !== token.id && keysOf(token).every((key) => !matchesOn(key, token, record)),
  );

/** Faults that show where a store has several handles, or where two calls meet. */
export const handleAndRaceFaults: readonly BrokenStore[] = [
  broken('C13', 'remembers whose an access token was, which another handle has replaced', {
    methods: (store) => {
      const ids = new Map<string | undefined, string>();
      return {
        ...beforeWriting(store, () => ids.clear()),
        findToken: async (token: OAuthToken) => {
          if (!isOnly('accessToken', token) || token.clientId !== undefined) {
            return store.findToken(token);
          }
          const id = ids.get(token.accessToken);
          const known = id === undefined ? null : await store.findTokenById(id);
          const found = known ?? (await store.findToken(token));
          if (found?.id !== undefined) ids.set(token.accessToken, found.id);
          return found;
        },
      };
    },
  }),
  broken('C13', 'saves into the record that a user had before another handle gave it away', {
    methods: (store) => {
      const ids = new Map<string, string>();
      return {
        saveToken: async (...[token, options]: Save) => {
          const { userName, clientId, id: named } = token?.toRecord?.() ?? {};
          const isByUser = userName != null && named == null && options === undefined;
          if (!isByUser) return store.saveToken(token, options);
          const name = JSON.stringify([userName, clientId]);
          const id = ids.get(name);
          const isThere = id !== undefined && (await store.findTokenById(id)) !== null;
          const saved = await store.saveToken(isThere ? token.with({ id }) : token);
          if (saved.id !== undefined) ids.set(name, saved.id);
          return saved;
        },
      };
    },
  }),
  broken('C13', 'goes through the list that it read before, whatever others saved since', {
    methods: (store) => {
      let list: OAuthToken[] | undefined;
      return {
        ...beforeWriting(store, () => {
          list = undefined;
        }),
        getTokens: async () => {
          list = await store.getTokens();
          return [...list];
        },
        async *tokens() {
          await store.findTokenById('1');
          list ??= await store.getTokens();
          yield* list;
        },
      };
    },
  }),
  broken('C10', 'numbers its records in each handle by itself', {
    handle: () => {
      let next: number | undefined;
      const numberOf = ({ id }: StoredRecord): number => numbers.get(id) ?? 0;
      return {
        added: (...args) => {
          const record = added(...args);
          next ??= args[1].length;
          numbers.set(record.id, next);
          next += 1;
          return record;
        },
        listed: (records) => records.toSorted((a, b) => numberOf(a) - numberOf(b)),
      };
    },
  }),
  broken('V1', 'knows in each handle the versions that went through it only', {
    handle: () => {
      let highest = 0;
      return {
        removedVersion: (known, versions) => {
          highest = Math.max(highest, ...versions);
          return known;
        },
        added: (token, records) => added(token, records, highest),
      };
    },
  }),
  broken(
    'V1',
    'remembers the versions of the ten that went last',
    remembersVersions(() => {
      for (const id of removed.keys()) {
        if (removed.size <= 10) return;
        removed.delete(id);
      }
    }),
  ),
  broken(
    'V1',
    'forgets an hour later which versions there were',
    remembersVersions(() => {
      for (const [id, { at }] of removed) if (Date.now() - at > 3_600_000) removed.delete(id);
    }),
  ),
  broken('C16', 'goes through the tokens of a store whose name begins with its own', {
    methods: (store, shelf, all) => ({
      async *tokens() {
        yield* store.tokens();
        const own = [...all].find(([, one]) => one === shelf)?.[0] ?? '';
        for (const [name, other] of all) {
          if (name === own || !name.startsWith(own)) continue;
          for (const record of await other.read()) yield OAuthToken.fromRecord(record);
        }
      },
    }),
  }),
  ...['id', 'refreshToken', 'accessToken', 'grantToken'].map((key) =>
    broken(
      'A2',
      `reads a record by its ${key}, and writes later what it made of it`,
      writesLater(key),
    ),
  ),
  broken('C7', 'adds two records of one user under two ids, where they come at once', {
    methods: (store, shelf) => ({
      saveToken: async (...[token, options]: Save) => {
        const wanted = token?.toRecord?.() ?? {};
        if (options !== undefined || wanted.id == null || wanted.userName == null) {
          return store.saveToken(token, options);
        }
        if (!isUnknown(wanted, await shelf.read()) || hasNothingToAdd(wanted)) {
          return store.saveToken(token);
        }
        await pause();
        const saved = await shelf.change((records) => {
          if (records.some(({ id }) => id === wanted.id)) return null;
          const record = added(wanted, records, shelf.removedVersion);
          records.push(record);
          return OAuthToken.fromRecord(record);
        });
        return saved ?? store.saveToken(token);
      },
    }),
  }),
  broken('A4', 'finds nothing by a grant token while its record is updated', {
    methods: (store, shelf) => ({
      saveToken: updatesSlowly(store, shelf, ({ grantToken }) => grantToken),
      findToken: async (token: OAuthToken) => {
        const found = await store.findToken(token);
        const isHidden = updating.get(shelf)?.has(token.grantToken) === true;
        return isOnly('grantToken', token) && isHidden ? null : found;
      },
    }),
  }),
  broken('A4', 'leaves out a record that is being updated where it goes through all', {
    methods: (store, shelf) => ({
      saveToken: updatesSlowly(store, shelf, ({ id }) => id),
      async *tokens() {
        for await (const token of store.tokens()) {
          if (updating.get(shelf)?.has(token.id) !== true) yield token;
        }
      },
    }),
  }),
  broken('A5', 'brings a record back that was deleted while it was saved by its id', {
    methods: (store, shelf) => ({
      saveToken: async (...[token, options]: Save) => {
        if (options !== undefined || !isOnly('id', token)) return store.saveToken(token, options);
        const record = (await shelf.read()).find(({ id }) => id === token.id);
        await pause();
        await pause();
        if (record !== undefined) {
          await shelf.change((records) => {
            if (records.every(({ id }) => id !== record.id)) records.push(record);
          });
        }
        return store.saveToken(token);
      },
    }),
  }),
  broken('V5', 'looks by its id whether a record is there, and saves it though it has gone', {
    methods: (store) => ({
      saveToken: async (...[token, options]: Save) => {
        if (options?.ifExists !== true || token?.id === undefined) {
          return store.saveToken(token, options);
        }
        if ((await store.findToken(token)) === null) {
          refuseOtherVersion(null, { ifExists: true });
        }
        await pause();
        const { ifExists: _ifExists, ...others } = options;
        return store.saveToken(token, others);
      },
    }),
  }),
];
