import { describe, expect, it } from 'vitest';
import { MysqlTokenStore } from '../src/index.ts';
import { checkOptions } from '../src/options.ts';

const refusal = (options: object) => {
  try {
    new MysqlTokenStore(options);
  } catch (error) {
    return error;
  }
  return 'accepted';
};

describe('a wrong option is refused by the constructor', () => {
  it.each(['', 'Tokens', 'a-b', '1a', 'a`b', 'x_lock', 'x'.repeat(49), 7])('table %j', (table) => {
    expect(refusal({ table })).toMatchObject({ code: 'INVALID_OPTION' });
  });

  it.each([
    'localhost',
    'http://x',
    'mysql://user:SECRET@host/db?ssl=1',
    'mysql://[',
    'mysql://user:%SECRET@host',
  ])('url %j', (url) => {
    expect(refusal({ url })).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.not.stringContaining('SECRET'),
    });
  });

  it('one of another name, which would have been ignored', () => {
    for (const name of ['uri', 'host', 'connection', 'Table']) {
      expect(refusal({ [name]: 'x' })).toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(`"${name}"`),
      });
    }
    expect(refusal({ options: { uri: 'mysql://db.example' } })).toMatchObject({
      code: 'INVALID_OPTION',
    });
  });

  it('two ways to connect', () => {
    expect(refusal({ pool: {}, url: 'mysql://localhost' })).toMatchObject({
      code: 'INVALID_OPTION',
    });
  });

  it.each([0, 1.5, 2 ** 31, '1'])('timeout %j', (timeout) => {
    expect(refusal({ timeout })).toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('a connection to another machine', () => {
  const url = 'mysql://app:p%40ss@db.example:3307/tokens';

  it('is encrypted, and the certificate and the name of the host are checked', () => {
    const secured = {
      host: 'db.example',
      port: 3307,
      user: 'app',
      password: 'p@ss',
      database: 'tokens',
      ssl: { verifyIdentity: true, rejectUnauthorized: true },
    };
    expect(checkOptions({ url }).poolOptions).toMatchObject(secured);
    expect(checkOptions({ url: new URL(url) }).poolOptions).toMatchObject(secured);
  });

  it.each([
    ['an empty socketPath', { socketPath: '' }],
    ['no socketPath', { socketPath: null as unknown as string }],
  ])('is encrypted beside %s', (_case, options) => {
    expect(checkOptions({ url, options }).poolOptions.ssl).toMatchObject({ verifyIdentity: true });
  });

  it('keeps the words of the user about TLS', () => {
    const ssl = { ca: 'CA', verifyIdentity: false };
    expect(checkOptions({ url, options: { ssl } }).poolOptions.ssl).toMatchObject(ssl);
    expect(checkOptions({ url, options: { ssl: { ca: 'CA' } } }).poolOptions.ssl).toMatchObject({
      verifyIdentity: true,
    });
  });

  it('without a check of the certificate is refused, but where the user says `tls: false`', () => {
    const ssl = { rejectUnauthorized: false };
    expect(refusal({ url, options: { ssl } })).toMatchObject({ code: 'TLS_REQUIRED' });
    expect(checkOptions({ url, options: { ssl }, tls: false }).poolOptions.ssl).toEqual(ssl);
  });

  it('is in the clear only where the user says so', () => {
    expect(checkOptions({ url, tls: false }).poolOptions.ssl).toBeUndefined();
    expect(checkOptions({ url: 'mysql://127.0.0.1' }).poolOptions.ssl).toBeUndefined();
    const socket = { socketPath: '/run/mysqld/mysqld.sock' };
    expect(checkOptions({ url, options: socket }).poolOptions.ssl).toBeUndefined();
  });
});

it('the database is zohooauth where nothing else is said', () => {
  expect(checkOptions({ url: 'mysql://localhost' }).poolOptions.database).toBe('zohooauth');
});
