import { OAuthToken } from '@tokenkeep/core';

const NOW = 1_900_000_000_000;
const granted = { access_token: 'a', refresh_token: 'r' };

/** What a token endpoint may answer beside what it grants, and what a token then holds. */
const BESIDE = [
  [{ scope: ['read', 'write'] }, { scope: 'read write' }],
  [{ error: null }, {}],
  [{ expires_in: 2 ** 63 / 1000 }, { expiresAt: undefined }],
  [{ expires_in: 'never' }, { expiresAt: undefined }],
  [{ expires_in: '3600' }, { expiresAt: NOW + 3_600_000 }],
  [{ token_type: ['Bearer'] }, { tokenType: undefined }],
  [{ api_domain: {} }, { apiDomain: undefined }],
  [{ id_token: 'x'.repeat(70 * 1024) }, { extra: undefined }],
  [{ at: new Date(0), nothing: undefined }, { extra: { at: '1970-01-01T00:00:00.000Z' } }],
  [{ expires_at: NOW / 1000 + 60 }, { expiresAt: NOW + 60_000 }],
  [{ expires_on: `${NOW / 1000 + 60}` }, { expiresAt: NOW + 60_000 }],
  [{ ext_expires_in: 60 }, { expiresAt: NOW + 60_000 }],
  [{ refresh_token_expires_in: 60 }, { extra: { refreshTokenExpiresAt: NOW + 60_000 } }],
  [{ refresh_expires_in: 60 }, { extra: { refreshTokenExpiresAt: NOW + 60_000 } }],
];

const refused = [
  [{ error: 'refresh token 1000.ab.SECRET is not valid' }, /^OAUTH_ERROR: (?!.*SECRET)/],
  [{ error: 'constructor' }, /^OAUTH_ERROR: (?!.*(function|native))/],
  [Response.json(granted), /^OAUTH_RESPONSE_INVALID: .*await response\.json\(\)/],
  [Promise.resolve(granted), /^OAUTH_RESPONSE_INVALID: .*await response\.json\(\)/],
];

/** Answers of token endpoints: an odd field never costs what was granted. */
export const ANSWERS = [
  ...BESIDE.map(([beside, expected]) => ({
    given: `an answer with ${JSON.stringify(beside).slice(0, 60)}`,
    run() {
      const token = OAuthToken.fromTokenResponse({ ...granted, ...beside }, { now: NOW });
      return fieldsOf(token, ['accessToken', 'refreshToken', ...Object.keys(expected)]);
    },
    expected: { accessToken: 'a', refreshToken: 'r', ...expected },
  })),
  {
    given: 'expires_in, and expiresIn of the context',
    run: () =>
      fieldsOf(
        OAuthToken.fromTokenResponse({ ...granted, expires_in: 60 }, { now: NOW, expiresIn: 5 }),
        ['expiresAt'],
      ),
    expected: { expiresAt: NOW + 60_000 },
  },
  {
    given: 'a field of the answer, and extra of the context',
    run: () =>
      fieldsOf(OAuthToken.fromTokenResponse({ ...granted, one: 1 }, { extra: { two: 2 } }), [
        'extra',
      ]),
    expected: { extra: { two: 2, one: 1 } },
  },
  ...refused.map(([answer, expected]) => ({
    given: `an answer that is ${answer.constructor.name === 'Object' ? JSON.stringify(answer) : `a ${answer.constructor.name}`}`,
    run: () => OAuthToken.fromTokenResponse(answer),
    expected,
  })),
];

function fieldsOf(token, names) {
  const fields = { ...token.toRecord(), extra: token.extra && { ...token.extra } };
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}
