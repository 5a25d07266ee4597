import { deepStrictEqual, notDeepStrictEqual } from 'node:assert/strict';
import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import {
  InvalidTokenError,
  OAuthToken,
  type StoredRecord,
  TokenConflictError,
  type TokenInit,
  TokenStoreError,
} from '../src/index.ts';
import { keysOf, type PlanOptions, planSave } from '../src/rules/index.ts';

const refused = (init: unknown): InvalidTokenError => {
  try {
    new OAuthToken(init as TokenInit);
  } catch (error) {
    if (error instanceof InvalidTokenError) return error;
  }
  throw new Error('it was not refused');
};

const full: TokenInit = {
  id: '7',
  userSignature: { name: 'ada' },
  clientId: 'c',
  clientSecret: 'SECRET-s',
  redirectUrl: 'https://app',
  grantToken: 'SECRET-g',
  refreshToken: 'SECRET-r',
  accessToken: 'SECRET-a',
  apiDomain: 'https://api',
  scope: 'read',
  tokenType: 'Bearer',
  issuer: 'https://issuer',
  resource: 'https://resource',
  lease: 'somebody',
  expiresAt: 2e12,
  version: 3,
  extra: { instance: 'SECRET-e' },
};

describe('T7 what redaction shows', () => {
  it.each(['refreshToken', 'accessToken', 'grantToken', 'clientSecret', 'scope', 'id', 'extra'])(
    'is refused as %s',
    (field) => {
      const error = refused({ [field]: '[redacted]' });
      expect(error.field).toBe(field);
      expect(error.message).toContain('toRecord()');
    },
  );

  it('is refused where a token comes back from JSON', () => {
    expect(refused(JSON.parse(JSON.stringify(new OAuthToken(full)))).message).toContain('JSON');
  });

  it('is damage where it stands in a record', () => {
    expect(() =>
      OAuthToken.fromRecord({ id: '1', version: 1, refreshToken: '[redacted]' }),
    ).toThrow(expect.objectContaining({ code: 'RECORD_CORRUPT' }));
  });
});

describe('T8 seconds and milliseconds', () => {
  it.each([1, 1_700_000_000, 99_999_999_999])('refuses %s as expiresAt', (expiresAt) => {
    expect(refused({ expiresAt }).message).toContain('milliseconds');
  });

  it.each([100_000_000_000, 0, -1, Number.MAX_SAFE_INTEGER])(
    'takes %s as expiresAt',
    (expiresAt) => {
      expect(new OAuthToken({ expiresAt }).expiresAt).toBe(expiresAt);
    },
  );

  it('refuses more than 100 years as expiresIn', () => {
    expect(refused({ expiresIn: 3_155_760_001 }).message).toContain('seconds');
    expect(new OAuthToken({ expiresIn: 3_155_760_000 }).expiresIn).toBeGreaterThan(3e9);
  });

  it('says of a Date what to give', () => {
    expect(refused({ expiresAt: new Date() }).message).toContain('date.getTime()');
  });

  it('reads what is stored as it is', () => {
    expect(OAuthToken.fromRecord({ id: '1', version: 1, expiresAt: 1 }).expiresAt).toBe(1);
  });
});

describe('T9 two tokens', () => {
  const token = new OAuthToken(full);

  it('with the same fields are equal, whatever the order in extra', () => {
    const one = new OAuthToken({ ...full, extra: { a: 1, b: { c: 2, d: 3 } } });
    const other = new OAuthToken({ ...full, extra: { b: { d: 3, c: 2 }, a: 1 } });
    expect(one.equals(other)).toBe(true);
    deepStrictEqual(one, other);
    expect(one).toEqual(other);
    expect(one).toStrictEqual(other);
  });

  it.each(Object.keys(full))('that differ in %s are different', (field) => {
    const { [field as keyof TokenInit]: _, ...rest } = full;
    const other = new OAuthToken(rest);
    expect(token.equals(other)).toBe(false);
    notDeepStrictEqual(token, other);
    expect(token).not.toEqual(other);
  });

  it('show no secret where they are compared', () => {
    const other = token.with({ refreshToken: 'SECRET-other' });
    let message = '';
    try {
      deepStrictEqual(token, other);
    } catch (error) {
      message = inspect(error, { depth: 9, showHidden: true });
    }
    expect(message).not.toBe('');
    expect(message).not.toContain('SECRET');
    expect(JSON.stringify({ ...token })).not.toContain('SECRET');
    for (const symbol of Object.getOwnPropertySymbols(token)) {
      expect(String(Reflect.get(token, symbol))).not.toContain('SECRET');
    }
  });

  it('refuse what is no token', () => {
    expect(() => token.equals({} as OAuthToken)).toThrow(InvalidTokenError);
  });
});

it('expiresWithin is false where the expiry is unknown', () => {
  expect(new OAuthToken({ accessToken: 'a' }).expiresWithin(1e9)).toBe(false);
  expect(new OAuthToken({ accessToken: 'a', expiresIn: 100 }).expiresWithin(99)).toBe(false);
  expect(new OAuthToken({ accessToken: 'a', expiresIn: 100 }).expiresWithin(101)).toBe(true);
  expect(new OAuthToken({ accessToken: 'a', expiresAt: 0 }).expiresWithin(0)).toBe(true);
});

it('T2 an assignment says what to do instead', () => {
  const token = new OAuthToken(full);
  for (const field of ['accessToken', 'scope', 'issuer', 'expiresIn']) {
    expect(() => Reflect.set(token, field, 'x')).toThrow(/use token\.with\(\{/);
  }
});

it('another copy of this package is recognised, its errors too', async () => {
  vi.resetModules();
  const other = await import('../src/index.ts');
  expect(other.TokenStoreError).not.toBe(TokenStoreError);
  const conflict = new other.TokenConflictError('VERSION_CONFLICT', 'x');
  expect(conflict).toBeInstanceOf(TokenStoreError);
  expect(conflict).toBeInstanceOf(TokenConflictError);
  expect(conflict).not.toBeInstanceOf(InvalidTokenError);
  class Mine extends TokenStoreError {}
  expect(new TokenStoreError('TIMEOUT', 'x')).not.toBeInstanceOf(Mine);
  expect(new Mine('TIMEOUT', 'x')).toBeInstanceOf(Mine);
  expect(new Mine('TIMEOUT', 'x')).toBeInstanceOf(other.TokenStoreError);
});

it('whether an error is retryable goes by its code', () => {
  expect(new TokenStoreError('READ_ONLY', 'x').retryable).toBe(true);
  expect(new TokenStoreError('ACCESS_DENIED', 'x').retryable).toBe(false);
  expect(new TokenStoreError('STORAGE_FAILED', 'x', { retryable: true }).retryable).toBe(true);
});

describe('saving', () => {
  const current: StoredRecord = {
    id: '1',
    version: 4,
    userName: 'ada',
    accessToken: 'old',
    refreshToken: 'r',
    expiresAt: 2e12,
    extra: { instance_url: 'https://eu', id: 7 },
  };
  const saved = (init: TokenInit, options?: PlanOptions, records = [current]) => {
    const token = new OAuthToken(init);
    return planSave(token, records, keysOf(token), options).change?.record;
  };
  const user = { userSignature: { name: 'ada' } };

  it('C3 another access token without an expiry leaves none', () => {
    expect(saved({ ...user, accessToken: 'new' })).not.toHaveProperty('expiresAt');
    expect(saved({ ...user, accessToken: 'old' })?.expiresAt).toBe(2e12);
    expect(saved({ ...user, scope: 's' })?.expiresAt).toBe(2e12);
    expect(saved({ ...user, accessToken: 'new', expiresAt: 3e12 })?.expiresAt).toBe(3e12);
    expect(
      new OAuthToken({ accessToken: 'a', expiresAt: 2e12 }).with({ accessToken: 'b' }),
    ).not.toHaveProperty('expiresAt', 2e12);
  });

  it('C3 merges extra by name', () => {
    expect(saved({ ...user, extra: { issued_at: 1 } })?.extra).toEqual({
      instance_url: 'https://eu',
      id: 7,
      issued_at: 1,
    });
    expect(saved({ ...user, extra: { id: null } })?.extra).toEqual({ instance_url: 'https://eu' });
    expect(saved({ ...user, extra: { id: { deep: null } } })?.extra).toMatchObject({
      id: { deep: null },
    });
    expect(saved({ ...user, scope: 's' })?.extra).toEqual(current.extra);
    const odd = JSON.parse('{"__proto__":{"x":1}}');
    expect(Object.keys(saved({ ...user, extra: odd })?.extra ?? {})).toContain('__proto__');
  });

  it('C3 refuses extra that comes to be too long, and names it', () => {
    const half = 'x'.repeat(40_000);
    const record = { ...current, extra: { a: half } };
    expect(() => saved({ ...user, extra: { b: half } }, {}, [record])).toThrow(InvalidTokenError);
  });

  it('C4 adds what has nothing but extra', () => {
    expect(
      saved({ userSignature: { name: 'eve' }, extra: { verifier: 'v' } }, {}, []),
    ).toMatchObject({ userName: 'eve', extra: { verifier: 'v' }, version: 1 });
    expect(() => saved({ userSignature: { name: 'eve' }, extra: { a: null } }, {}, [])).toThrow(
      InvalidTokenError,
    );
  });

  it('C18 clears fields in the same step, and does not take them over from what it absorbs', () => {
    const other: StoredRecord = { id: '2', version: 1, grantToken: 'g', accessToken: 'x' };
    const record = saved({ ...user, grantToken: 'g' }, { clear: ['accessToken', 'extra'] }, [
      current,
      other,
    ]);
    expect(record).toMatchObject({ refreshToken: 'r', grantToken: 'g' });
    expect(record).not.toHaveProperty('accessToken');
    expect(record).not.toHaveProperty('extra');
  });

  it('C18 M2 refuses to clear the user of a record that would then agree with another', () => {
    const other: StoredRecord = { id: '2', version: 1, userName: 'eve', refreshToken: 'r' };
    const token = new OAuthToken({ id: '1', scope: 's' });
    const keys = [
      ...keysOf(token),
      { field: 'refreshToken', value: 'r' } as const,
      { field: 'accessToken', value: 'old' } as const,
    ];
    expect(() => planSave(token, [current, other], keys, { clear: ['userName'] })).toThrow(
      TokenConflictError,
    );
  });

  it('V5 updates only', () => {
    expect(saved({ ...user, scope: 's' }, { ifExists: true })?.version).toBe(5);
    expect(() => saved({ refreshToken: 'none' }, { ifExists: true })).toThrow(
      expect.objectContaining({ code: 'VERSION_CONFLICT', currentVersion: 0 }),
    );
  });
});
