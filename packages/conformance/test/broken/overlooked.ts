import { type OAuthToken, type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { type BrokenStore, broken, type Fault } from './broken-store.ts';
import { RIGHT_RULES } from './plain-token-store.ts';
import { Line } from './shelf.ts';

const { isMatch, isTaken } = RIGHT_RULES;

/** Changes a record after the save that absorbed another into it. */
const afterAbsorbing = (
  change: (kept: StoredRecord, absorbed: StoredRecord) => StoredRecord,
): Fault => ({
  methods: (store, shelf) => ({
    saveToken: async (...args: Parameters<typeof store.saveToken>) => {
      const before = await shelf.read();
      const saved = await store.saveToken(...args);
      await shelf.change((records) => {
        const absorbed = before.find(({ id }) => records.every((record) => record.id !== id));
        const at = records.findIndex(({ id }) => id === saved.id);
        const kept = records[at];
        if (kept !== undefined && absorbed !== undefined) records[at] = change(kept, absorbed);
      });
      return saved;
    },
  }),
});

/** Faults that show with one kind of record, or in one kind of moment. */
export const overlookedFaults: readonly BrokenStore[] = [
  broken('C1', 'begins anew where it is to write to damaged storage', {
    rules: {
      change: async (shelf, work) => {
        const isDamaged = await shelf.read().then(
          () => false,
          () => true,
        );
        if (isDamaged) shelf.overwrite([]);
        return RIGHT_RULES.change(shelf, work);
      },
    },
  }),
  broken('A6', 'holds up all saves while it deletes one record after the other', {
    methods: (store, shelf) => {
      const line = lines.get(shelf) ?? new Line();
      lines.set(shelf, line);
      return {
        saveToken: (...args: Parameters<typeof store.saveToken>) =>
          line.wait(() => store.saveToken(...args)),
        deleteTokens: () =>
          line.wait(async () => {
            for (const _record of await shelf.read()) await aMillisecond();
            await store.deleteTokens();
          }),
      };
    },
  }),
  broken('V3', 'lets a save join an equal one that is on its way', {
    methods: (store) => {
      const onTheirWay = new Map<string, Promise<OAuthToken>>();
      return {
        saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
          if (options?.ifVersion === undefined) return store.saveToken(token, options);
          const name = JSON.stringify([token.toRecord(), options]);
          const saving =
            onTheirWay.get(name) ??
            store.saveToken(token, options).finally(() => onTheirWay.delete(name));
          onTheirWay.set(name, saving);
          return saving;
        },
      };
    },
  }),
  broken('C17', 'answers what matches nothing without a look at whether it is closed', {
    methods: (store) => ({
      findToken: async (token: OAuthToken) => {
        const isKeyless = Object.values(token?.toRecord?.() ?? { token }).every(
          (one) => one == null,
        );
        return isKeyless ? null : store.findToken(token);
      },
    }),
  }),
  broken('C17', 'gives no tokens one by one when it is closed, and no error', {
    methods: (store) => ({
      tokens: async function* tokens() {
        try {
          yield* store.tokens();
        } catch (error) {
          if (!(error instanceof TokenStoreError && error.code === 'STORE_CLOSED')) throw error;
        }
      },
    }),
  }),
  broken('C11', 'keeps what has nothing but extra when all is deleted', {
    rules: {
      cleared: (records) =>
        records.filter((one) => !one.refreshToken && !one.grantToken && !one.accessToken),
    },
  }),
  broken('C11', 'still finds by a grant token what was deleted with all the others', {
    methods: (store) => {
      const ghosts = new Map<string, OAuthToken>();
      return {
        deleteTokens: async () => {
          const tokens = await store.getTokens();
          await store.deleteTokens();
          for (const token of tokens) {
            if (token.grantToken !== undefined) ghosts.set(token.grantToken, token);
          }
        },
        findToken: async (token: OAuthToken) =>
          (await store.findToken(token)) ?? ghosts.get(token.grantToken ?? '') ?? null,
      };
    },
  }),
  broken('M2', 'does not look at the resource where it goes by a grant token', {
    rules: {
      isMatch: (key, token, record) =>
        isMatch(key, key.field === 'grantToken' ? { ...token, resource: null } : token, record),
    },
  }),
  broken('M2', 'refuses a user name that a record of another issuer has', {
    rules: { isTaken: (token, record) => isTaken({ ...token, issuer: null }, record) },
  }),
  broken('M5', 'finds by user and client put together where nothing else matches', {
    methods: (store, shelf) => ({
      findToken: async (token: OAuthToken) => {
        const found = await store.findToken(token);
        const { userName, clientId } = found === null ? token.toRecord() : {};
        if (userName == null || clientId == null) return found;
        const records = await shelf.read();
        const joined = records.find(
          (one) => `${one.userName}\0${one.clientId}` === `${userName}\0${clientId}`,
        );
        return joined === undefined ? null : store.findTokenById(joined.id);
      },
    }),
  }),
  broken('C9', 'gives a new record of a user what a deleted one had', {
    methods: (store, shelf) => {
      const deleted = new Map<string, StoredRecord>();
      return {
        deleteToken: async (...[id, options]: Parameters<typeof store.deleteToken>) => {
          const gone = (await shelf.read()).find((record) => record.id === id);
          await store.deleteToken(id, options);
          if (gone?.userName != null) deleted.set(gone.userName, gone);
        },
        saveToken: async (...args: Parameters<typeof store.saveToken>) => {
          const saved = await store.saveToken(...args);
          const old = deleted.get(saved.userSignature?.name ?? '');
          deleted.delete(saved.userSignature?.name ?? '');
          if (old?.redirectUrl == null) return saved;
          const { redirectUrl } = old;
          await shelf.change((records) => {
            const at = records.findIndex(({ id }) => id === saved.id);
            const record = records[at];
            if (record !== undefined) records[at] = { redirectUrl, ...record };
          });
          return saved;
        },
      };
    },
  }),
  broken(
    'C3',
    'takes over the expiry of an absorbed record without its access token',
    afterAbsorbing((kept, { expiresAt }) => ({
      ...kept,
      ...(kept.expiresAt == null && expiresAt != null ? { expiresAt } : {}),
    })),
  ),
  broken('C2', 'leads from the id of an absorbed record to the one that it went into', {
    methods: (store, shelf) => {
      const aliases = new Map<string, string>();
      return {
        saveToken: async (...args: Parameters<typeof store.saveToken>) => {
          const before = await shelf.read();
          const saved = await store.saveToken(...args);
          const after = await shelf.read();
          for (const { id } of before) {
            const isGone = after.every((record) => record.id !== id);
            if (isGone && saved.id !== undefined) aliases.set(id, saved.id);
          }
          return saved;
        },
        findTokenById: async (id: string) =>
          (await store.findTokenById(id)) ?? store.findTokenById(aliases.get(id) ?? id),
      };
    },
  }),
];

const lines = new WeakMap<object, Line>();

function aMillisecond(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
