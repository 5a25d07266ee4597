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
  ])('uri %j', (uri) => {
    expect(refusal({ uri })).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.not.stringContaining('SECRET'),
    });
  });

  it('two ways to connect', () => {
    expect(refusal({ pool: {}, uri: 'mysql://localhost' })).toMatchObject({
      code: 'INVALID_OPTION',
    });
  });
});

describe('a connection to another machine', () => {
  const uri = 'mysql://app:p%40ss@db.example:3307/tokens';

  it('is encrypted, and the certificate and the name of the host are checked', () => {
    expect(checkOptions({ uri }).poolOptions).toMatchObject({
      host: 'db.example',
      port: 3307,
      user: 'app',
      password: 'p@ss',
      database: 'tokens',
      ssl: { verifyIdentity: true, rejectUnauthorized: true },
    });
  });

  it('keeps the words of the user about TLS', () => {
    const ssl = { ca: 'CA', verifyIdentity: false };
    expect(checkOptions({ uri, connection: { ssl } }).poolOptions.ssl).toEqual(ssl);
    expect(checkOptions({ uri, connection: { ssl: { ca: 'CA' } } }).poolOptions.ssl).toMatchObject({
      verifyIdentity: true,
    });
  });

  it('is in the clear only where the user says so', () => {
    expect(checkOptions({ uri, tls: false }).poolOptions.ssl).toBeUndefined();
    expect(checkOptions({ uri: 'mysql://127.0.0.1' }).poolOptions.ssl).toBeUndefined();
  });
});

it('the database is zohooauth where nothing else is said', () => {
  expect(checkOptions({ uri: 'mysql://localhost' }).poolOptions.database).toBe('zohooauth');
});
