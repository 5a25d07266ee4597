import type { OAuthToken } from '@tokenkeep/core';
import { type BrokenStore, broken, type Fault } from './broken-store.ts';
import type { PlainTokenStore } from './plain-token-store.ts';
import { Line, type Shelf } from './shelf.ts';

/** What is done in one go needs a millisecond for each two records. */
function standStill(records: number): void {
  const end = performance.now() + Math.min(150, records / 2);
  while (performance.now() < end);
}

/** Stands still in some calls, where there are many records. */
const standsStill = (
  methods: (store: PlainTokenStore, stand: () => Promise<void>, shelf: Shelf) => object,
): Fault => ({
  methods: (store, shelf) =>
    methods(store, async () => standStill((await store.getTokens()).length), shelf),
});

/** One line for each place: calls that wait in it wait for each other. */
const lines = new WeakMap<Shelf, Line>();
function lineOf(shelf: Shelf): Line {
  const line = lines.get(shelf) ?? new Line();
  lines.set(shelf, line);
  return line;
}

/** Stores that keep others waiting. */
export const holdingUpFaults: readonly BrokenStore[] = [
  broken(
    'A6',
    'deletes its records in one go',
    standsStill((store, stand) => ({
      deleteTokens: async () => {
        await stand();
        await store.deleteTokens();
      },
    })),
  ),
  broken(
    'A6',
    'reads its records in one go before it gives the first',
    standsStill((store, stand) => ({
      async *tokens() {
        const tokens = store.tokens();
        const first = await tokens.next();
        await stand();
        if (first.done !== true) yield first.value;
        yield* tokens;
      },
    })),
  ),
  broken(
    'A6',
    'goes through all records in one go for a user',
    standsStill((store, stand) => ({
      findToken: async (token: OAuthToken) => {
        const found = await store.findToken(token);
        if (token.userSignature !== undefined) await stand();
        return found;
      },
    })),
  ),
  broken(
    'A6',
    'reads all in one go when a handle is used for the first time',
    standsStill((store, stand) => {
      let isFirst = true;
      return {
        findToken: async (token: OAuthToken) => {
          const found = await store.findToken(token);
          if (isFirst) await stand();
          isFirst = false;
          return found;
        },
      };
    }),
  ),
  broken(
    'A6',
    'writes all anew in one go where it deletes a record',
    standsStill((store, stand) => ({
      deleteToken: async (...[id, options]: Parameters<typeof store.deleteToken>) => {
        const isThere = typeof id === 'string' && id !== '' && (await store.findTokenById(id));
        await store.deleteToken(id, options);
        if (isThere) await stand();
      },
    })),
  ),
  broken('A6', 'holds up all saves while it lists its records', {
    methods: (store, shelf) => ({
      saveToken: (...args: Parameters<typeof store.saveToken>) =>
        lineOf(shelf).wait(() => store.saveToken(...args)),
      getTokens: () =>
        lineOf(shelf).wait(async () => {
          const tokens = await store.getTokens();
          for (const _token of tokens) await new Promise((resolve) => setTimeout(resolve, 1));
          return tokens;
        }),
    }),
  }),
];
