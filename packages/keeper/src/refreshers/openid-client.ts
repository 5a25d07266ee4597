/** Refreshes by `openid-client` 6. @module */
import { type Configuration, refreshTokenGrant, tokenRevocation } from 'openid-client';
import type { Refresher } from '../refresher.ts';

/** @param parameters more for the token request, such as `{ resource }` */
export function openidClientRefresh(
  configuration: Configuration,
  parameters?: Readonly<Record<string, string>>,
): Refresher {
  const refresh: Refresher = async ({ refreshToken = '' }) => {
    const answer = await refreshTokenGrant(configuration, refreshToken, { ...parameters });
    return { ...answer };
  };
  return Object.assign(refresh, {
    async revoke({
      refreshToken,
      accessToken = '',
    }: {
      refreshToken?: string | undefined;
      accessToken?: string | undefined;
    }) {
      if (configuration.serverMetadata().revocation_endpoint === undefined) return;
      await tokenRevocation(configuration, refreshToken ?? accessToken);
    },
  });
}
