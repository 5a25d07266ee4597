import { inspect } from 'node:util';
import { serialize } from 'node:v8';
import { describe, expect, it, vi } from 'vitest';
import { InvalidTokenError, OAuthToken, type TokenInit, TokenStoreError } from '../src/index.ts';

const full = {
  id: '7',
  userSignature: { name: 'ada' },
  clientId: 'client',
  clientSecret: 'SECRET-1',
  redirectUrl: 'https://app.example/back',
  grantToken: 'SECRET-2',
  refreshToken: 'SECRET-3',
  accessToken: 'SECRET-4',
  apiDomain: 'https://api.example',
  scope: 'a b',
  tokenType: 'Bearer',
  expiresAt: 1_700_000_000_000,
  version: 3,
  extra: { id_token: 'SECRET-5', deep: [{ 'SECRET-6': true }] },
} satisfies TokenInit;

/** What no type allows, as it comes from JavaScript. */
const untyped = (value: unknown): TokenInit => value as TokenInit;

const refused = (init: unknown): InvalidTokenError => {
  try {
    new OAuthToken(untyped(init));
  } catch (error) {
    if (error instanceof InvalidTokenError) return error;
  }
  throw new Error('it was not refused with InvalidTokenError');
};

describe('T1 a token holds', () => {
  it('what it was given', () => {
    const token = new OAuthToken(full);
    for (const [field, value] of Object.entries(full)) expect(token).toHaveProperty(field, value);
  });

  it('nothing, where nothing was given', () => {
    expect(new OAuthToken().toRecord()).toEqual({});
  });

  it('expiresAt, computed from expiresIn seconds', () => {
    const before = Date.now();
    const { expiresAt = 0 } = new OAuthToken({ expiresIn: 3600 });
    expect(expiresAt - before).toBeGreaterThanOrEqual(3_600_000);
    expect(expiresAt - Date.now()).toBeLessThanOrEqual(3_600_000);
  });

  it('expiresIn in whole seconds, and 0 once it has expired', () => {
    expect(new OAuthToken({ expiresAt: Date.now() + 10_900 }).expiresIn).toBe(10);
    expect(new OAuthToken({ expiresAt: Date.now() - 10_900 }).expiresIn).toBe(0);
    expect(new OAuthToken().expiresIn).toBeUndefined();
  });

  it('only one of expiresAt and expiresIn', () => {
    expect(refused({ expiresAt: 2e12, expiresIn: 1 }).field).toBe('expiresIn');
  });

  it('an extra of up to 64 KiB as JSON text', () => {
    const of = (length: number) => ({ extra: { x: 'y'.repeat(length - '{"x":""}'.length) } });
    expect(new OAuthToken(of(65_536)).extra).toEqual(of(65_536).extra);
    expect(refused(of(65_537)).field).toBe('extra');
  });
});

describe('T2 a token is immutable', () => {
  it('all the way down', () => {
    const token = new OAuthToken(full);
    for (const part of [token, token.userSignature, token.extra, token.extra?.['deep']]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('and does not follow what it was made from', () => {
    const extra = { list: [1] };
    const token = new OAuthToken({ extra });
    extra.list.push(2);
    token.toRecord().id = 'changed';
    expect(token.toRecord()).toEqual({ extra: { list: [1] } });
  });

  it('with() gives a changed copy, and takes away what is given as null', () => {
    const token = new OAuthToken(full);
    expect(token.with({ accessToken: 'new', refreshToken: null, expiresIn: 0 }).toRecord()).toEqual(
      {
        ...token.toRecord(),
        accessToken: 'new',
        refreshToken: undefined,
        expiresAt: expect.any(Number),
      },
    );
    expect(token.accessToken).toBe('SECRET-4');
    expect(token.with({ userSignature: { name: 'bob' } }).userSignature).toEqual({ name: 'bob' });
  });
});

it.each([null, undefined, ''])('T3 %j means absent', (nothing) => {
  for (const field of Object.keys(full)) {
    expect(new OAuthToken(untyped({ [field]: nothing })).toRecord()).toEqual({});
  }
  expect(new OAuthToken({ userSignature: { name: nothing } }).userSignature).toBeUndefined();
});

describe('T4 a field', () => {
  it.each([
    'aBc ',
    ' é',
    'e\u0301',
    '\0',
    '"\'`',
    '👩‍👩‍👧',
    '\u202e',
    'x'.repeat(65_536),
    '漢'.repeat(21_845),
  ])('is kept exactly', (value) => {
    expect(new OAuthToken({ id: value, userSignature: { name: value } }).toRecord()).toEqual({
      id: value,
      userName: value,
    });
  });

  it.each([
    ['that is too long', 'refreshToken', 'x'.repeat(65_537)],
    ['that is too long in bytes', 'refreshToken', '漢'.repeat(21_846)],
    ['with half a surrogate pair', 'accessToken', 'a\ud83d'],
    ['that is a number', 'id', 7],
    ['that is a String object', 'clientId', new String('x')],
    ['that is a query', 'id', { $ne: null }],
    ['that is a buffer', 'grantToken', Buffer.from('x')],
    ['that is an array', 'scope', ['a']],
    ['that is no integer', 'expiresAt', 1.5],
    ['that is a date', 'expiresAt', new Date()],
    ['that is a version of 0', 'version', 0],
    ['that is a negative lifetime', 'expiresIn', -1],
    ['that is a user without its object', 'userSignature', 'ada'],
    ['that is an array of extras', 'extra', []],
  ])('%s is refused and named, without its value', (_case, field, value) => {
    const error = refused({ [field]: value });
    expect(error).toMatchObject({ field, code: 'INVALID_TOKEN', retryable: false });
    expect(error.message).toMatch(new RegExp(`^${field} `));
    expect(error.message.length).toBeLessThan(120);
  });

  it.each([
    ['undefined', { a: undefined }],
    ['a function', { a: () => 1 }],
    ['a bigint', { a: 1n }],
    ['infinity', { a: Number.POSITIVE_INFINITY }],
    ['a date', { a: new Date(0) }],
    ['half a surrogate pair', { a: '\udc00' }],
    ['half a surrogate pair in a name', { '\udc00': 1 }],
    ['a toJSON of its own', { toJSON: () => 1 }],
  ])('extra with %s is refused', (_case, extra) => {
    expect(refused({ extra }).field).toBe('extra');
  });

  it('extra that never ends is refused', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(refused({ extra: cycle }).message).toBe('extra is nested more than 64 deep');
  });

  it('that no token has is refused and named', () => {
    expect(refused({ acessToken: 'x' }).message).toContain('"acessToken"');
    expect(refused({ userSignature: { name: 'ada', mail: 'x' } }).message).toContain('"mail"');
  });

  it('of extra named __proto__ is kept as data', () => {
    const extra = JSON.parse('{"__proto__":{"polluted":true}}');
    const token = new OAuthToken({ extra });
    expect(JSON.stringify(token.toRecord().extra)).toBe('{"__proto__":{"polluted":true}}');
    expect(token.extra?.['polluted']).toBeUndefined();
  });
});

describe('T6 secrets', () => {
  const token = new OAuthToken(full);

  it.each<[string, () => string]>([
    ['String()', () => String(token)],
    ['a template string', () => `${token}`],
    ['JSON.stringify', () => JSON.stringify({ token })],
    ['inspect', () => inspect({ token }, { depth: 9 })],
    [
      'inspect with every option',
      () => inspect(token, { depth: 9, showHidden: true, getters: true, customInspect: false }),
    ],
    ['spread', () => JSON.stringify({ ...token })],
    ['structuredClone', () => inspect(structuredClone(token), { showHidden: true, getters: true })],
    ['v8.serialize', () => serialize(token).toString('latin1')],
    ['Object.entries', () => inspect(Object.entries(Object.getOwnPropertyDescriptors(token)))],
  ])('are not shown by %s', (_way, show) => {
    expect(show()).not.toContain('SECRET');
  });

  it('are shown as redacted, beside what is no secret', () => {
    expect(JSON.parse(JSON.stringify(token))).toEqual({
      ...full,
      clientSecret: '[redacted]',
      grantToken: '[redacted]',
      refreshToken: '[redacted]',
      accessToken: '[redacted]',
      extra: '[redacted]',
    });
  });

  it('leave through toRecord() and come back through fromRecord()', () => {
    expect(token.toRecord()).toMatchObject({ userName: 'ada', refreshToken: 'SECRET-3' });
    expect(OAuthToken.fromRecord(token.toRecord()).toRecord()).toEqual(token.toRecord());
  });
});

describe('fromRecord', () => {
  it('makes a new token each time, of a frozen record too, which it checks once', () => {
    const record = Object.freeze({ id: '1', version: 1, refreshToken: 'r' });
    const token = OAuthToken.fromRecord(record);
    expect(OAuthToken.fromRecord(record)).not.toBe(token);
    expect(OAuthToken.fromRecord(record).toRecord()).toEqual(record);
  });

  it('sees what was changed in a record, and in what a frozen one holds', () => {
    const record = { id: '1', version: 1, refreshToken: 'r' };
    OAuthToken.fromRecord(record);
    record.version = 2;
    expect(OAuthToken.fromRecord(record).version).toBe(2);
    const extra = { plan: 'free' };
    const frozen = Object.freeze({ id: '1', version: 1, extra });
    OAuthToken.fromRecord(frozen);
    extra.plan = 'paid';
    expect(OAuthToken.fromRecord(frozen).extra).toEqual({ plan: 'paid' });
  });

  it.each([
    ['a field of the wrong type', { id: 'broken', accessToken: 'SECRET', expiresAt: 'soon' }],
    ['a field that no record has', { id: 'broken', accessToken: 'SECRET', expiresIn: 5 }],
    ['half a surrogate pair', { id: 'broken', accessToken: 'SECRET\ud800' }],
  ])('refuses a record with %s, naming its id and not its content', (_case, record) => {
    let failure: unknown;
    try {
      OAuthToken.fromRecord(record as object);
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(TokenStoreError);
    expect(failure).toMatchObject({
      code: 'RECORD_CORRUPT',
      message: expect.stringContaining('"broken"'),
    });
    expect(inspect(failure)).not.toContain('SECRET');
  });

  it('says of a field that a newer version may have saved to upgrade, before to delete', () => {
    expect(() => OAuthToken.fromRecord({ id: 'ada', deviceName: 'x' } as object)).toThrow(
      /newer version.* upgrade .* delete it/,
    );
  });
});

describe('from', () => {
  it('takes a token of another copy of this package', async () => {
    vi.resetModules();
    const other = await import('../src/index.ts');
    const foreign: unknown = new other.OAuthToken(full);
    expect(foreign).toBeInstanceOf(OAuthToken);
    expect(other.OAuthToken).not.toBe(OAuthToken);
    expect(OAuthToken.from(foreign).toRecord()).toEqual(new OAuthToken(full).toRecord());
  });

  it.each([
    null,
    undefined,
    'x',
    {},
    { toRecord: () => full },
    Object.create(OAuthToken.prototype),
  ])('refuses anything else', (value) => {
    expect(() => OAuthToken.from(value)).toThrow(InvalidTokenError);
  });
});
