import { OAuthToken, TokenStoreError } from '@tokenkeep/core';
import { type BrokenStore, broken, hanging } from './broken-store.ts';
import type { PlainTokenStore } from './plain-token-store.ts';

/** Does something else with what goes wrong in a save. */
const whenSaveFails = (
  otherwise: (error: unknown, token: OAuthToken) => OAuthToken | Promise<OAuthToken>,
) => ({
  methods: (store: PlainTokenStore) => ({
    saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
      try {
        return await store.saveToken(token, options);
      } catch (error) {
        if (!(token instanceof OAuthToken)) throw error;
        return otherwise(error, token);
      }
    },
  }),
});

const codeOf = (error: unknown) =>
  error instanceof TokenStoreError ? error.code : 'STORAGE_FAILED';

export const failingFaults: readonly BrokenStore[] = [
  broken(
    'C14',
    'swallows what goes wrong',
    whenSaveFails((_error, token) => token),
  ),
  broken(
    'C14',
    'rejects with an error that has no code',
    whenSaveFails(() => {
      throw new Error('could not save');
    }),
  ),
  broken(
    'C14',
    'rejects with a string',
    whenSaveFails(() => {
      throw 'could not save';
    }),
  ),
  broken(
    'C14',
    'names the token in the message',
    whenSaveFails((error, token) => {
      const { refreshToken } = OAuthToken.from(token);
      throw new TokenStoreError(codeOf(error), `could not save ${refreshToken}`, {
        operation: 'saveToken',
      });
    }),
  ),
  broken(
    'C14',
    "carries the driver's error along, with the statement in it",
    whenSaveFails((error, token) => {
      const sql = `INSERT INTO oauthtoken VALUES ('${OAuthToken.from(token).refreshToken}')`;
      const cause = Object.assign(new Error('duplicate entry'), { sql });
      const wrong = new TokenStoreError(codeOf(error), 'could not save', {
        operation: 'saveToken',
      });
      throw Object.assign(wrong, { cause });
    }),
  ),
  broken('C14', 'throws out of a callback', {
    methods: (store) => ({
      findTokenById: async (id: string) => {
        const found = await store.findTokenById(id);
        if (found === null) {
          setImmediate(() => {
            throw new Error('no row');
          });
        }
        return found;
      },
    }),
  }),
  broken('C14', 'leaves a rejection behind that nobody handles', {
    methods: (store) => ({
      findTokenById: async (id: string) => {
        const found = await store.findTokenById(id);
        if (found === null) void Promise.reject(new Error('no row'));
        return found;
      },
    }),
  }),
  hanging('C14', 'never settles for an id that nobody has', {
    methods: (store) => ({
      findTokenById: async (id: string) => (await store.findTokenById(id)) ?? new Promise(() => {}),
    }),
  }),
  hanging('C14', 'is wedged by a failure', {
    methods: (store) => {
      let last: Promise<unknown> = Promise.resolve();
      return {
        saveToken: (...args: Parameters<typeof store.saveToken>) => {
          // A queue that waits for the call before, and never gets over one that failed.
          const turn = last.then(
            () => store.saveToken(...args),
            () => new Promise<OAuthToken>(() => {}),
          );
          last = turn;
          return turn;
        },
      };
    },
  }),
  broken('C14', 'throws before it gives a promise', {
    methods: (store) => ({
      deleteToken: (id: unknown) => {
        if (typeof id !== 'string') throw new TypeError('id must be a string');
        return store.deleteToken(id);
      },
    }),
  }),
  broken('T5', 'takes a number for an id', {
    methods: (store) => ({ deleteToken: (id: unknown) => store.deleteToken(String(id)) }),
  }),
  broken('T5', 'takes a query in place of an id, and finds the first record', {
    methods: (store) => ({
      findTokenById: async (id: unknown) => {
        if (typeof id !== 'object' || id === null) return store.findTokenById(String(id));
        return (await store.getTokens())[0] ?? null;
      },
    }),
  }),
  broken('C15', 'writes part of a save that it refuses', {
    methods: (store, shelf) => ({
      saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
        try {
          return await store.saveToken(token, options);
        } catch (error) {
          await shelf.change((records) => {
            const [first] = records;
            if (first !== undefined) records[0] = { ...first, scope: 'half written' };
          });
          throw error;
        }
      },
    }),
  }),
];
