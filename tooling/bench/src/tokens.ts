import { OAuthToken } from '@tokenkeep/core';

const CLIENT = {
  clientId: '1000.QWERTYUIOPASDFGHJKLZXCVBNM1234',
  clientSecret: '0123456789abcdef0123456789abcdef0123456789',
  redirectUrl: 'https://app.example.com/oauth/callback',
  apiDomain: 'https://www.zohoapis.com',
  scope: 'ZohoCRM.modules.ALL ZohoCRM.settings.ALL',
  tokenType: 'Bearer',
};

/** The token of a user, of the size that real ones have. */
export function tokenOf(user: number): OAuthToken {
  return new OAuthToken({
    ...CLIENT,
    userSignature: { name: userName(user) },
    refreshToken: refreshToken(user),
    accessToken: `1000.access.${user}.0123456789abcdef0123456789abcdef`,
    expiresAt: 1_800_000_000_000,
  });
}

export function userName(user: number): string {
  return `user${user}@example.com:70012345678`;
}

export function refreshToken(user: number): string {
  return `1000.refresh.${user}.0123456789abcdef0123456789abcdef`;
}

/** Which user a turn is about: all over the place, and the same in every run. */
export function someUser(turn: number, users: number): number {
  return (turn * 7_919) % users;
}
