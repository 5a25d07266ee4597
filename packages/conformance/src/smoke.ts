import { OAuthToken } from '@tokenkeep/core';
import type { Check } from './check.ts';
import { expect, expectNull, idOf, recordOf } from './expectations.ts';
import { show } from './show.ts';

/** The simplest that a store is for. It runs before all other checks, which make no sense without it. */
export const SMOKE: Check = {
  clause: 'C1',
  title: 'a token that was saved is found, listed, and deleted',
  why: 'That is what a token store is for.',
  hint: 'Keep what token.toRecord() gives (JSON.stringify(token) has no secrets in it), and give out OAuthToken.fromRecord(record).',
  async run(context) {
    const store = await context.open();
    const token = context.token();
    const { userSignature, refreshToken } = token;
    const saved = await store.saveToken(token);
    const id = idOf(saved);
    const requireIt = (found: unknown, what: string): void => {
      const given = found === null || found === undefined ? undefined : recordOf(found, what);
      expect(
        given?.['refreshToken'] === refreshToken,
        `${what} to be the token that was saved, with its refresh token`,
        `it was ${show(found)}`,
      );
    };
    requireIt(saved, 'what saveToken gave');
    requireIt(await store.findToken(new OAuthToken({ userSignature })), 'what findToken gave');
    requireIt(await store.findTokenById(id), 'what findTokenById gave');
    const listed = await store.getTokens();
    expect(Array.isArray(listed), 'getTokens to give a list', `it gave ${show(listed)}`);
    requireIt(listed[0], 'the first of what getTokens gave');
    await store.deleteToken(id);
    expectNull(await store.findTokenById(id), 'what findTokenById gave after deleteToken');
  },
};
