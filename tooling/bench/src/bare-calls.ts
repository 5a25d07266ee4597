import type { OAuthToken } from '@tokenkeep/core';
import type { Runner } from './contender.ts';
import { refreshToken, someUser, tokenOf, userName } from './tokens.ts';

/** The statements of a driver that do what a store's methods are measured at. */
export interface BareStatements {
  findByUser(name: string): unknown;
  findByRefreshToken(token: string): unknown;
  /** One statement that adds or replaces what is there of the user. */
  upsert(token: OAuthToken): () => unknown;
}

/** The calls that are measured, of statements: the same users at the same turns as the stores get. */
export function bareCalls(statements: BareStatements, records: number): Runner['calls'] {
  return {
    findByUser: (turn) => {
      const name = userName(someUser(turn, records));
      return () => statements.findByUser(name);
    },
    findByRefreshToken: (turn) => {
      const token = refreshToken(someUser(turn, records));
      return () => statements.findByRefreshToken(token);
    },
    saveExisting: (turn) => {
      const token = tokenOf(someUser(turn, records));
      return statements.upsert(token.with({ accessToken: `1000.renewed.${turn}` }));
    },
    saveNew: (turn) => statements.upsert(tokenOf(records + turn)),
  };
}
