import { OAuthToken, type TokenStore } from '@tokenkeep/core';
import type { Contender, Runner } from './contender.ts';
import { refreshToken, someUser, tokenOf, userName } from './tokens.ts';

/**
 * Measures a token store.
 *
 * @param open makes an empty store that keeps what it has to keep in `folder`
 * @param fill puts the tokens into it; default: a thousand saves at a time
 */
export function storeContender(
  name: string,
  open: (folder: string) => TokenStore,
  fill: (store: TokenStore, tokens: readonly OAuthToken[]) => Promise<void> = fillStore,
): Contender {
  return {
    name,
    async setUp(folder, tokens) {
      const store = open(folder);
      await fill(store, tokens);
      return { calls: storeCalls(store, tokens.length), close: () => store.close() };
    },
  };
}

/** The calls of a store that are measured. */
export function storeCalls(store: TokenStore, records: number): Runner['calls'] {
  return {
    findByUser: (turn) => {
      const name = userName(someUser(turn, records));
      const token = new OAuthToken({ userSignature: { name } });
      return () => store.findToken(token);
    },
    findByRefreshToken: (turn) => {
      const token = new OAuthToken({ refreshToken: refreshToken(someUser(turn, records)) });
      return () => store.findToken(token);
    },
    saveExisting: (turn) => {
      const token = tokenOf(someUser(turn, records)).with({ accessToken: `1000.renewed.${turn}` });
      return () => store.saveToken(token);
    },
    saveNew: (turn) => {
      const token = tokenOf(records + turn);
      return () => store.saveToken(token);
    },
  };
}

/** Saves a thousand tokens at a time. */
export async function fillStore(store: TokenStore, tokens: readonly OAuthToken[]): Promise<void> {
  for (let start = 0; start < tokens.length; start += 1000) {
    await Promise.all(tokens.slice(start, start + 1000).map((token) => store.saveToken(token)));
  }
}

/** For a store that takes the same time for a hundred thousand saves at once as for one. */
export async function saveAllAtOnce(
  store: TokenStore,
  tokens: readonly OAuthToken[],
): Promise<void> {
  await Promise.all(tokens.map((token) => store.saveToken(token)));
}
