import type { OAuthToken } from '@tokenkeep/core';
import type { CheckContext } from './check-context.ts';
import type { ObservedStore } from './observed-store.ts';

/** What `tokens()` gives, as a list; nothing where the store can't be iterated over. */
export async function iterated(
  { definition }: CheckContext,
  store: ObservedStore,
): Promise<OAuthToken[]> {
  const tokens: OAuthToken[] = [];
  if (definition.iterable !== true) return tokens;
  for await (const token of store.tokens()) tokens.push(token);
  return tokens;
}
