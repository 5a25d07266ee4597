import { OAuthToken, type TokenInit, type TokenStore } from '@tokenkeep/core';
import { oauth2Refresh, TokenKeeper, type TokenKeeperOptions } from '@tokenkeep/keeper';
import { MemoryTokenStore } from '@tokenkeep/memory';
import {
  type OAuthProvider,
  type OAuthProviderOptions,
  startOAuthProvider,
} from '@tokenkeep/oauth-provider';
import { onTestFinished } from 'vitest';

export const ADA = { userName: 'ada', clientId: 'client' } as const;

/** A provider that is stopped when the test is over. */
export async function providerFor(options?: OAuthProviderOptions): Promise<OAuthProvider> {
  const provider = await startOAuthProvider(options);
  onTestFinished(() => provider.stop());
  return provider;
}

/** A record of ada's login, whose access token is over. */
export async function saveLogin(
  store: TokenStore,
  provider: OAuthProvider,
  init: TokenInit = {},
): Promise<OAuthToken> {
  const token = OAuthToken.fromTokenResponse(provider.login('ada'), {
    clientId: 'client',
    clientSecret: 'secret',
    userSignature: { name: 'ada' },
  });
  return await store.saveToken(token.with({ expiresAt: Date.now() - 1_000, ...init }));
}

export function refresherFor(provider: OAuthProvider): ReturnType<typeof oauth2Refresh> {
  const { tokenEndpoint, revocationEndpoint } = provider;
  return oauth2Refresh({ tokenEndpoint, revocationEndpoint });
}

export interface Scene {
  readonly provider: OAuthProvider;
  readonly store: TokenStore;
  readonly keeper: TokenKeeper;
  /** As stored before anything was refreshed. */
  readonly saved: OAuthToken;
}

/** A provider, a store in memory with ada's login, and a keeper on them. */
export async function sceneWith(
  options: OAuthProviderOptions & Partial<TokenKeeperOptions> & { init?: TokenInit } = {},
): Promise<Scene> {
  const { rotation, graceTime, lifetime, init, ...keeperOptions } = options;
  const provider = await providerFor({
    ...(rotation === undefined ? {} : { rotation }),
    ...(graceTime === undefined ? {} : { graceTime }),
    ...(lifetime === undefined ? {} : { lifetime }),
  });
  const store = keeperOptions.store ?? new MemoryTokenStore();
  const saved = await saveLogin(store, provider, init);
  const refresh = refresherFor(provider);
  return { provider, store, saved, keeper: new TokenKeeper({ refresh, ...keeperOptions, store }) };
}
