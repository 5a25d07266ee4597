import type { OAuthToken } from '@tokenkeep/core';
import { ListTokenStore } from '@tokenkeep/list';
import { expect, it } from 'vitest';
import { checkTokenStore, defineTokenStore } from '../src/index.ts';

/** Right in all but one thing: it looks for a user and does not care about the client. */
class StoreThatIgnoresTheClient extends ListTokenStore {
  override async findToken(token: OAuthToken): Promise<OAuthToken | null> {
    const tokens = await this.getTokens();
    const name = token.userSignature?.name;
    const found = tokens.find((one) => name !== undefined && one.userSignature?.name === name);
    return found ?? super.findToken(token);
  }
}

it('a store whose matching ignores the client fails on M2', async () => {
  const report = await checkTokenStore(
    defineTokenStore({
      name: 'a store that ignores the client',
      location: () => crypto.randomUUID(),
      open: () => new StoreThatIgnoresTheClient(),
      handles: 'one',
      versions: true,
      durable: false,
      shared: false,
    }),
    { intensity: 'quick', seed: 1 },
  );
  expect(report.passed).toBe(false);
  expect(report.clauses.find(({ clause }) => clause === 'M2')?.status).toBe('failed');
  expect(report.clauses.find(({ clause }) => clause === 'C2')?.status).toBe('passed');
}, 60_000);
