import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { InvalidTokenError, OAuthResponseError, OAuthToken } from '../src/index.ts';

const failureOf = (response: unknown): OAuthResponseError => {
  try {
    OAuthToken.fromTokenResponse(response);
  } catch (error) {
    if (error instanceof OAuthResponseError) return error;
  }
  throw new Error('it did not fail with OAuthResponseError');
};

describe('fromTokenResponse', () => {
  it('reads the example of RFC 6749 section 5.1', () => {
    const token = OAuthToken.fromTokenResponse(
      {
        access_token: '2YotnFZFEjr1zCsicMWpAA',
        token_type: 'example',
        expires_in: 3600,
        refresh_token: 'tGzv3JOkF0XG5Qx2TlKWIA',
        example_parameter: 'example_value',
      },
      { clientId: 'client', userSignature: { name: 'ada' }, now: 1e12 },
    );
    expect(token.toRecord()).toEqual({
      accessToken: '2YotnFZFEjr1zCsicMWpAA',
      tokenType: 'example',
      expiresAt: 1e12 + 3_600_000,
      refreshToken: 'tGzv3JOkF0XG5Qx2TlKWIA',
      extra: { example_parameter: 'example_value' },
      clientId: 'client',
      userName: 'ada',
    });
  });

  it.each([
    ['a number', { expires_in: 60 }],
    ['a numeric string', { expires_in: '60' }],
    [
      'expires_in_sec beside expires_in in milliseconds',
      { expires_in: 60_000, expires_in_sec: 60 },
    ],
  ])('takes the lifetime as %s', (_case, lifetime) => {
    expect(
      OAuthToken.fromTokenResponse({ access_token: 'a', ...lifetime }, { now: 1e12 }).expiresAt,
    ).toBe(1e12 + 60_000);
  });

  it('has no expiry where the answer has none', () => {
    expect(OAuthToken.fromTokenResponse({ access_token: 'a' }).expiresAt).toBeUndefined();
  });

  it('keeps the refresh token and scope that were used, where the answer leaves them out', () => {
    const used = { refreshToken: 'r', scope: 'asked' };
    expect(OAuthToken.fromTokenResponse({ access_token: 'a' }, used).toRecord()).toMatchObject(
      used,
    );
    expect(
      OAuthToken.fromTokenResponse({ access_token: 'a', refresh_token: 'r2' }, used).refreshToken,
    ).toBe('r2');
  });

  it('understands api_domain', () => {
    const answer = { access_token: 'a', api_domain: 'https://www.zohoapis.eu' };
    expect(OAuthToken.fromTokenResponse(answer).apiDomain).toBe('https://www.zohoapis.eu');
  });

  it.each([
    ['an expiry that is no number', { access_token: 'a', expires_in: 'soon' }, 'expires_in'],
    ['a negative expiry', { access_token: 'a', expires_in: -1 }, 'expires_in'],
    ['no access token', { token_type: 'Bearer' }, 'access_token'],
    ['an access token that is no string', { access_token: 7 }, 'access_token'],
    ['a page instead of JSON', '<html>', 'JSON'],
    ['nothing', null, 'JSON'],
  ])('refuses %s', (_case, response, named) => {
    expect(failureOf(response)).toMatchObject({
      code: 'OAUTH_RESPONSE_INVALID',
      message: expect.stringContaining(named),
    });
  });

  it('refuses a context with an unknown field', () => {
    const context: object = { clientID: 'typo' };
    expect(() => OAuthToken.fromTokenResponse({ access_token: 'a' }, context)).toThrow(
      InvalidTokenError,
    );
  });
});

describe('an error of RFC 6749 section 5.2', () => {
  it('is told by its code, with what to do', () => {
    const failure = failureOf({
      error: 'invalid_grant',
      error_description: 'for 1000.SECRET',
      error_uri: 'https://x',
    });
    expect(failure).toMatchObject({ code: 'OAUTH_ERROR', error: 'invalid_grant' });
    expect(failure.message).toContain('log in again');
    expect(failure.errorDescription).toBe('for 1000.SECRET');
    expect(failure.errorUri).toBe('https://x');
    expect(inspect(failure, { showHidden: true }) + JSON.stringify(failure)).not.toContain(
      'SECRET',
    );
  });

  it('is not repeated where it is not of the form that section 5.2 allows', () => {
    const failure = failureOf({ error: 'SECRET"\n' });
    expect(failure.error).toBeUndefined();
    expect(failure.message).not.toContain('SECRET');
  });
});
