import type { OAuthToken, TokenStore } from '@tokenkeep/core';

/**
 * Deletes what nobody can use any more: records that have nothing but an access token, which ended
 * before the given moment. The SDKs leave one behind for each access token that they are given.
 *
 * @returns how many there were
 */
export async function purge(store: TokenStore, olderThan: Date): Promise<number> {
  let deleted = 0;
  for await (const token of store.tokens?.() ?? (await store.getTokens())) {
    if (isUseful(token, olderThan.getTime()) || token.id === undefined) continue;
    const { version } = token;
    try {
      await store.deleteToken(token.id, version === undefined ? undefined : { ifVersion: version });
      deleted += 1;
    } catch (error) {
      // Somebody has just made something of it.
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'VERSION_CONFLICT')
        throw error;
    }
  }
  return deleted;
}

function isUseful({ refreshToken, grantToken, expiresAt }: OAuthToken, moment: number): boolean {
  if (refreshToken !== undefined || grantToken !== undefined) return true;
  // Of an access token whose end is not known nobody can say that it is over.
  return expiresAt === undefined || expiresAt >= moment;
}
