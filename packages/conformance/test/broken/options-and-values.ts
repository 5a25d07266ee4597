import { type SaveOptions, TokenConflictError, TokenStoreError } from '@tokenkeep/core';
import { type BrokenStore, broken, type Fault } from './broken-store.ts';
import type { PlainTokenStore } from './plain-token-store.ts';

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
          if (isClosed) throw 
            new TokenStoreError('STORE_CLOSED', 'It was closed.', { operation: 'tokens' });
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
];
