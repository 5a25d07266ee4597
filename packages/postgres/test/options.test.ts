import { describe, expect, it } from 'vitest';
import { PostgresTokenStore } from '../src/index.ts';
import { checkOptions } from '../src/options.ts';

const refusal = (options: object) => {
  try {
    new PostgresTokenStore(options);
  } catch (error) {
    return error;
  }
  return 'accepted';
};

describe('a wrong option is refused by the constructor', () => {
  it.each(['', 'Tokens', 'a-b', '1a', 'a"b', 'x'.repeat(49), 7])('name %j', (name) => {
    expect(refusal({ table: name })).toMatchObject({ code: 'INVALID_OPTION' });
    expect(refusal({ schema: name })).toMatchObject({ code: 'INVALID_OPTION' });
  });

  it('the name of the table beside, and schemas of the server', () => {
    expect(refusal({ table: 'x_state' })).toMatchObject({ code: 'INVALID_OPTION' });
    expect(refusal({ schema: 'pg_catalog' })).toMatchObject({ code: 'INVALID_OPTION' });
  });

  it.each([
    'localhost',
    'http://x',
    'postgres://user:SECRET@host/db?sslmode=SECRET',
    'postgres://user:SECRET@host/db?options=x',
    'postgres:db',
    'postgres://[',
    'postgres://user:%SECRET@host',
  ])('url %j', (url) => {
    expect(refusal({ url })).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.not.stringContaining('SECRET'),
    });
  });

  it('one of another name, which would have been ignored', () => {
    for (const name of ['uri', 'host', 'connectionString', 'Table']) {
      expect(refusal({ [name]: 'x' })).toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(`"${name}"`),
      });
    }
    expect(refusal({ options: { connectionString: 'postgres://db.example' } })).toMatchObject({
      code: 'INVALID_OPTION',
    });
  });

  it('two ways to connect', () => {
    const pool = { connect: () => {} };
    expect(refusal({ pool, url: 'postgres://localhost' })).toMatchObject({
      code: 'INVALID_OPTION',
    });
    expect(refusal({ pool: {} })).toMatchObject({ code: 'INVALID_OPTION' });
  });

  it.each([0, 1.5, 2 ** 31, '1'])('timeout %j', (timeout) => {
    expect(refusal({ timeout })).toMatchObject({ code: 'INVALID_OPTION' });
  });

  it.each([true, null, 'no'])('tls %j', (tls) => {
    expect(refusal({ tls })).toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('a connection to another machine', () => {
  const url = 'postgresql://app:p%40ss@db.example:5433/tokens';
  const checked = { rejectUnauthorized: true };

  it('is encrypted, and the certificate and the name of the host are checked', () => {
    const secured = {
      host: 'db.example',
      port: 5433,
      user: 'app',
      password: 'p@ss',
      database: 'tokens',
      ssl: checked,
    };
    expect(checkOptions({ url }).poolOptions).toMatchObject(secured);
    expect(checkOptions({ url: new URL(url) }).poolOptions).toMatchObject(secured);
  });

  it.each(['allow', 'prefer', 'require', 'verify-ca', 'verify-full'])(
    'is checked as well with sslmode=%s, and its neighbour in the addresses of hosts is known',
    (mode) => {
      const { poolOptions } = checkOptions({
        url: `${url}?sslmode=${mode}&channel_binding=require`,
      });
      expect(poolOptions).toMatchObject({ ssl: checked, enableChannelBinding: true });
    },
  );

  it.each([
    ['sslmode=disable', `${url}?sslmode=disable`, undefined, false],
    ['sslmode=no-verify', `${url}?sslmode=no-verify`, undefined, { rejectUnauthorized: false }],
    ['ssl: false', url, { ssl: false }, false],
    [
      'a certificate of anybody',
      url,
      { ssl: { rejectUnauthorized: false } },
      { rejectUnauthorized: false },
    ],
  ] as const)(
    'with %s is refused, but where the user says `tls: false`',
    (_case, at, options, ssl) => {
      const given = { url: at, ...(options && { options }) };
      expect(refusal(given)).toMatchObject({ code: 'TLS_REQUIRED' });
      expect(checkOptions({ ...given, tls: false }).poolOptions.ssl).toEqual(ssl);
    },
  );

  it('keeps the words of the user about TLS', () => {
    expect(checkOptions({ url, options: { ssl: { ca: 'CA' } } }).poolOptions.ssl).toEqual({
      ...checked,
      ca: 'CA',
    });
  });

  it.each(['postgres://127.0.0.1', 'postgres://[::1]/db', 'postgres://localhost'])(
    'of %s is none',
    (own) => {
      expect(checkOptions({ url: own }).poolOptions.ssl).toBeUndefined();
    },
  );

  it('by a socket of this machine is none', () => {
    const options = { host: '/run/postgresql' };
    expect(checkOptions({ options }).poolOptions.ssl).toBeUndefined();
  });

  it('that the environment names is found out', () => {
    process.env['PGHOST'] = 'db.example';
    try {
      expect(checkOptions({}).poolOptions).toMatchObject({ host: 'db.example', ssl: checked });
    } finally {
      delete process.env['PGHOST'];
    }
  });
});
