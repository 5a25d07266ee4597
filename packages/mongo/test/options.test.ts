import type { TokenStoreError } from '@tokenkeep/core';
import { describe, expect, it } from 'vitest';
import { MongoTokenStore, type MongoTokenStoreOptions } from '../src/index.ts';
import { checkOptions } from '../src/options.ts';

const refusal = (options: object): unknown => {
  try {
    checkOptions(options);
  } catch (error) {
    return error;
  }
  return 'accepted';
};
const client = { connect: async () => {}, db: () => {} };
const remote = 'mongodb://me:secret%2Fword@db.example';

describe('a wrong option is refused by the constructor', () => {
  it.each<[string, object]>([
    ['neither URL nor client', {}],
    ['both', { url: 'mongodb://localhost', client }],
    ['a URL of something else', { url: 'mysql://localhost' }],
    ['a URL without a host', { url: 'mongodb://' }],
    ['a URL that is no text', { url: 7 }],
    ['a client that is none', { client: {} }],
    ['no limit of time', { url: 'mongodb://localhost', timeout: 0 }],
    ['a client and tls', { client, tls: false }],
    ['tls as text', { url: 'mongodb://localhost', tls: 'false' }],
    [
      'tls: true, as it is said in the URL or the options',
      { url: 'mongodb://localhost', tls: true },
    ],
    ...['', 'a/b', 'a.b', 'a b', '$a', 'a\0', 'x'.repeat(64), 7].map(
      (database): [string, object] => [
        `database ${JSON.stringify(database)}`,
        { url: 'mongodb://localhost', database },
      ],
    ),
    ...['', '$a', 'a$b', 'system.users', '.a', 'a.', 'a..b', 'a\0', 'x'.repeat(121), {}].map(
      (collection): [string, object] => [
        `collection ${JSON.stringify(collection)}`,
        { url: 'mongodb://localhost', collection },
      ],
    ),
  ])('%s', (_name, options) => {
    expect(refusal(options)).toMatchObject({ code: 'INVALID_OPTION', operation: 'constructor' });
  });

  it.each([
    `${remote}:x:y/?`,
    remote,
    'mongodb://admin:S3cretPass?x@host',
    'mongodb://admin:S3cretPass/x@host/db',
    'mongodb://admin:S3cretPass#x@host',
    'mongodb://admin:1234?x@host',
    'mongodb://admin:S3cretPass@x@host',
  ])('without telling what is in the URL: %s', (url) => {
    const error = refusal({ url });
    expect(['INVALID_OPTION', 'TLS_REQUIRED']).toContain((error as TokenStoreError).code);
    expect(String(error)).not.toMatch(/secret|S3cret|admin|1234/);
  });

  it.each([{ uri: 'mongodb://localhost' }, { url: 'mongodb://localhost', clientOptions: {} }])(
    'by its name if there is none of that name: %j',
    (options) => {
      expect(refusal(options)).toMatchObject({ code: 'INVALID_OPTION' });
      expect(String(refusal(options))).toMatch(/"(?:uri|clientOptions)"/);
    },
  );

  it('and nothing is connected to before the first call', () => {
    expect(new MongoTokenStore({ url: 'mongodb://localhost:1' })).toBeInstanceOf(MongoTokenStore);
  });
});

describe('a connection without encryption', () => {
  it.each([
    'mongodb://localhost',
    'mongodb://127.0.0.1:27018,[::1]:27019/tokens',
    'mongodb://me:word@localhost/?tls=false',
    'mongodb://%2Ftmp%2Fmongodb-27017.sock',
  ])('to this machine is allowed: %s', (url) => {
    expect(refusal({ url })).toBe('accepted');
  });

  it.each<MongoTokenStoreOptions>([
    { url: 'mongodb://db.example' },
    { url: 'mongodb://localhost,db.example:27018/tokens' },
    { url: 'mongodb://localhost@db.example' },
    { url: 'mongodb://localhost.db.example' },
    { url: 'mongodb://db.example/?tls=false' },
    { url: 'mongodb://db.example/?ssl=false' },
    { url: 'mongodb+srv://db.example/?tls=false' },
    { url: 'mongodb://db.example/?tls=true', options: { tls: false } },
    { url: 'mongodb://0.0.0.0' },
  ])('to another is refused: %j', (options) => {
    const error = refusal(options);
    expect(error).toMatchObject({ code: 'TLS_REQUIRED' });
    expect((error as TokenStoreError).message).toContain('tls: false');
  });

  it('to another is allowed where the options say so', () => {
    expect(refusal({ url: 'mongodb://db.example', tls: false })).toBe('accepted');
  });
});

describe('a connection with encryption', () => {
  it.each<MongoTokenStoreOptions>([
    { url: 'mongodb://db.example/?tls=true' },
    { url: 'mongodb://db.example/?SSL=true' },
    { url: 'mongodb+srv://db.example' },
    { url: 'mongodb://db.example', options: { ssl: true } },
    { url: 'mongodb://db.example', options: { tls: true } },
  ])('is allowed: %j', (options) => {
    expect(refusal(options)).toBe('accepted');
  });

  it.each<MongoTokenStoreOptions>([
    { url: 'mongodb://db.example/?tls=true&tlsInsecure=true' },
    { url: 'mongodb+srv://db.example/?tlsAllowInvalidHostnames=true' },
    { url: 'mongodb://db.example/?tls=true', options: { tlsAllowInvalidCertificates: true } },
  ])('that anyone could read is refused: %j', (options) => {
    expect(refusal(options)).toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('what the driver is given', () => {
  it('has bounds in time, and what the user said goes before them', () => {
    const options = { socketTimeoutMS: 9, maxPoolSize: 3, tls: true, ...{ appName: undefined } };
    const url = 'mongodb://localhost/?connectTimeoutMS=7';
    expect(checkOptions({ url, options: options as object, timeout: 5_000 }).connect).toStrictEqual(
      {
        url,
        options: {
          retryWrites: false,
          serverSelectionTimeoutMS: 5_000,
          socketTimeoutMS: 9,
          waitQueueTimeoutMS: 5_000,
          maxPoolSize: 3,
          tls: true,
        },
        isLocalOnly: false,
      },
    );
  });

  it.each([
    ['mongodb://localhost', undefined, 'zohooauth'],
    ['mongodb://localhost/tokens?w=1', undefined, 'tokens'],
    ['mongodb://localhost/tokens', 'other', 'other'],
  ])('is the database of %s and %s', (url, database, expected) => {
    expect(checkOptions({ url, ...(database && { database }) })).toMatchObject({
      database: expected,
      collection: 'oauthtoken',
    });
  });
});
