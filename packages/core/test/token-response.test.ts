import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { InvalidTokenError, OAuthResponseError, OAuthToken } from '../src/index.ts';

const now = Date.UTC(2026, 10, 28);
const year = 365 * 24 * 3600;

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
      { clientId: 'client', userSignature: { name: 'ada' }, now },
    );
    expect(token.toRecord()).toEqual({
      accessToken: '2YotnFZFEjr1zCsicMWpAA',
      tokenType: 'example',
      expiresAt: now + 3_600_000,
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
      OAuthToken.fromTokenResponse({ access_token: 'a', ...lifetime }, { now }).expiresAt,
    ).toBe(now + 60_000);
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
    ['no access token', { token_type: 'Bearer' }, 'access_token'],
    ['an access token that is no string', { access_token: 7 }, 'access_token'],
    ['a page instead of JSON', '<html>', 'JSON'],
    ['nothing', null, 'JSON'],
    ['the Response itself', new Response('{}'), 'await response.json()'],
    ['a promise of the answer', Promise.resolve({}), 'await response.json()'],
    ['an access token that no store keeps', { access_token: 'a'.repeat(70_000) }, 'access_token'],
    ['an access token of half a character', { access_token: 'a\ud800' }, 'access_token'],
  ])('refuses %s', (_case, response, named) => {
    expect(failureOf(response)).toMatchObject({
      code: 'OAUTH_RESPONSE_INVALID',
      message: expect.stringContaining(named),
    });
  });

  describe('never loses what was granted to an odd field beside it', () => {
    const granted = { access_token: 'a', refresh_token: 'r2' };
    const recordOf = (beside: object, context = {}) => {
      const { accessToken, refreshToken, ...others } = OAuthToken.fromTokenResponse(
        { ...granted, ...beside },
        { now, ...context },
      ).toRecord();
      expect({ accessToken, refreshToken }).toEqual({ accessToken: 'a', refreshToken: 'r2' });
      return others;
    };

    it.each<[string, object, object]>([
      ['scope: a list', { scope: ['read', 'write'] }, { scope: 'read write' }],
      ['scope: a list of something else', { scope: [{}, 7] }, {}],
      ['error: null', { error: null }, {}],
      ['error: ""', { error: '' }, {}],
      ['error: an object that says that there is none', { error: { code: 'ok' } }, {}],
      ['token_type: a list', { token_type: ['Bearer'] }, {}],
      ['api_domain: an object', { api_domain: { eu: 'https://x' } }, {}],
      ['api_domain: half a character', { api_domain: 'https://\ud800' }, {}],
      ['scope: longer than a field', { scope: 's'.repeat(70_000) }, {}],
      ['a field that is undefined', { one: undefined, two: 2 }, { extra: { two: 2 } }],
      ['a field that is null', { one: null, two: 2 }, { extra: { two: 2 } }],
      ['a Date', { at: new Date(now) }, { extra: { at: '2026-11-28T00:00:00.000Z' } }],
      ['a bigint', { id: 12n, list: [13n] }, { extra: { id: '12', list: ['13'] } }],
      ['a function', { run() {}, two: 2 }, { extra: { two: 2 } }],
      ['a text of half a character', { name: '\ud800', two: 2 }, { extra: { two: 2 } }],
      ['an id_token of 70 KB', { id_token: 'i'.repeat(70_000), two: 2 }, { extra: { two: 2 } }],
      ['only an id_token of 70 KB', { id_token: 'i'.repeat(70_000) }, {}],
    ])('%s', (_case, beside, expected) => {
      expect(recordOf(beside)).toEqual(expected);
    });

    it('a field that is nested without end', () => {
      const ring: Record<string, unknown> = {};
      ring['ring'] = ring;
      expect(recordOf({ ring, two: 2 })).toEqual({ extra: { two: 2 } });
    });

    it('fields that are too much together: the shortest are kept', () => {
      const [b, a] = ['b'.repeat(40_000), 'a'.repeat(30_000)];
      expect(recordOf({ b, a, two: 2 })).toEqual({ extra: { a, two: 2 } });
      expect(recordOf({ a, two: 2 }, { extra: { b } })).toEqual({ extra: { b, two: 2 } });
    });

    it.each<[string, object, number | undefined]>([
      [
        'expires_in: the most that 64 bits hold',
        { expires_in: Number('9223372036854775') },
        undefined,
      ],
      ["expires_in: 'never'", { expires_in: 'never' }, undefined],
      ['expires_in: -1', { expires_in: -1 }, undefined],
      ['expires_in: NaN', { expires_in: Number.NaN }, undefined],
      ['expires_in: a list', { expires_in: [60] }, undefined],
      ['expires_in: 101 years', { expires_in: 101 * year }, undefined],
      ['expires_in: 99 years', { expires_in: 99 * year }, now + 99 * year * 1000],
      ['expires_in: 0', { expires_in: 0 }, now],
      ['expires_in: seconds with a fraction', { expires_in: 59.9996 }, now + 59_999],
      ['expires_at: seconds', { expires_at: now / 1000 + 60 }, now + 60_000],
      ['expires_at: milliseconds', { expires_at: now + 60_000 }, now + 60_000],
      ['expires_at: a time in words', { expires_at: '2026-11-28T00:01:00Z' }, now + 60_000],
      ['expires_at: of an unknown zone', { expires_at: '2026-11-28T00:01:00' }, undefined],
      ['expires_at: 1970', { expires_at: 60 }, undefined],
      ['expires_on: seconds as text', { expires_on: String(now / 1000 + 60) }, now + 60_000],
      ['expires_in goes before expires_on', { expires_in: 60, expires_on: '1' }, now + 60_000],
      ['an odd expires_in does not', { expires_in: '', expires_at: now + 1 }, now + 1],
      ['ext_expires_in where nothing else is', { ext_expires_in: 60 }, now + 60_000],
    ])('%s', (_case, beside, expiresAt) => {
      expect(recordOf(beside).expiresAt).toBe(expiresAt);
    });

    it.each<[string, object, object | undefined]>([
      [
        'refresh_token_expires_in',
        { refresh_token_expires_in: 60 },
        { refreshTokenExpiresAt: now + 60_000 },
      ],
      ['refresh_expires_in', { refresh_expires_in: '60' }, { refreshTokenExpiresAt: now + 60_000 }],
      ['refresh_expires_in: 0, which is never', { refresh_expires_in: 0 }, undefined],
      [
        'ext_expires_in beside expires_in',
        { expires_in: 60, ext_expires_in: 120 },
        { extendedExpiresAt: now + 120_000 },
      ],
    ])('%s is kept as a time, not as what is left of it', (_case, beside, extra) => {
      expect(recordOf(beside).extra).toEqual(extra);
    });

    it('a name that means something to JavaScript', () => {
      const answer: object = JSON.parse('{"__proto__": {"x": 1}, "constructor": "c"}');
      const { extra } = recordOf(answer);
      expect(JSON.stringify(extra)).toBe('{"__proto__":{"x":1},"constructor":"c"}');
    });
  });

  it('goes before the context: an expiry, and each name of extra', () => {
    const token = OAuthToken.fromTokenResponse(
      { access_token: 'a', expires_in: 60, issued_at: '2' },
      { now, expiresIn: 7200, extra: { instance_url: 'https://x', issued_at: '1' } },
    );
    expect(token.toRecord()).toEqual({
      accessToken: 'a',
      expiresAt: now + 60_000,
      extra: { instance_url: 'https://x', issued_at: '2' },
    });
  });

  it('leaves the expiry to the context where it tells none', () => {
    const context = { expiresAt: now + 60_000 };
    expect(OAuthToken.fromTokenResponse({ access_token: 'a' }, context).expiresAt).toBe(
      now + 60_000,
    );
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
    for (const options of [{ showHidden: true }, { showHidden: true, getters: true }]) {
      expect(inspect(failure, { ...options, customInspect: false })).not.toContain('SECRET');
    }
    expect(JSON.stringify(failure)).not.toContain('SECRET');
  });

  it.each([
    'refresh token 1000.ab.SECRET is not valid',
    'SECRET"\n',
    'constructor',
    '__proto__',
    'toString',
  ])('is repeated in no message where its code is not a known one: %s', (error) => {
    const failure = failureOf({ error });
    expect(failure.code).toBe('OAUTH_ERROR');
    expect(failure.message).toBe(
      'The authorization server answered with an error of its own: see error and errorDescription.',
    );
    expect(inspect(failure, { showHidden: true, getters: true })).not.toContain('SECRET');
    // For whoever asks for it: providers have codes of their own.
    expect(failure.error).toBe(error);
  });

  it.each([[{ message: 'bad', code: 190 }], [400], [true]])('may be no text: %j', (error) => {
    const failure = failureOf({ error });
    expect(failure).toMatchObject({ code: 'OAUTH_ERROR', error: undefined });
  });

  it('counts beside an access token, too', () => {
    expect(failureOf({ access_token: 'a', error: 'invalid_grant' }).error).toBe('invalid_grant');
  });
});
