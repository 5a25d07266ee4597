import { OAuthToken, type TokenInit, type TokenStore } from '@tokenkeep/core';

type Pair = readonly [TokenInit, TokenInit];

const user = (round: number) => ({ userSignature: { name: `u${round}` } });

/** Pairs of saves that are about one record, and do not name it alike. In each round another user. */
export const RACING_SAVES: readonly [title: string, pair: (round: number) => Pair][] = [
  [
    'of a user with and without the client',
    (round) => [
      { ...user(round), refreshToken: 'r' },
      { ...user(round), clientId: 'c', refreshToken: 's' },
    ],
  ],
  [
    'of a refresh token with and without the user',
    (round) => [{ refreshToken: `r${round}` }, { ...user(round), refreshToken: `r${round}` }],
  ],
  [
    'of an access token with and without the user',
    (round) => [{ accessToken: `a${round}` }, { ...user(round), accessToken: `a${round}` }],
  ],
];

/**
 * Saves both of a pair at once, each through a store of its own, round by round.
 *
 * @returns how many records too many there are after each round
 */
export async function race(
  stores: readonly [TokenStore, TokenStore],
  pair: (round: number) => Pair,
  rounds: number,
): Promise<number[]> {
  const tooMany: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all(
      pair(round).map((init, index) => stores[index]?.saveToken(new OAuthToken(init))),
    );
    tooMany.push((await stores[0].getTokens()).length - (round + 1));
  }
  return tooMany;
}
