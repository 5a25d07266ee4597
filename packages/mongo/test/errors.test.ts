import { MongoNetworkError, MongoNetworkTimeoutError, MongoServerError } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { translateError } from '../src/errors.ts';

const server = (code: number) =>
  new MongoServerError({
    message: 'dup key: { token: "1000.secret" }',
    code,
    keyValue: { k: '1000.secret' },
  });
const named = (name: string, more: object = {}) =>
  Object.assign(new Error('1000.secret'), more, { name });
const cause = (code: string) => Object.assign(new Error('1000.secret'), { code });

describe('an error of the driver becomes', () => {
  it.each<[string, boolean, Error]>([
    ['ACCESS_DENIED', false, server(18)],
    ['ACCESS_DENIED', false, server(13)],
    ['READ_ONLY', true, server(10_107)],
    ['CONNECTION_FAILED', true, server(189)],
    ['TIMEOUT', true, server(50)],
    ['TIMEOUT', true, server(64)],
    ['STORAGE_FULL', true, server(14_031)],
    ['CONNECTION_FAILED', true, new MongoNetworkError('1000.secret')],
    ['TIMEOUT', true, new MongoNetworkTimeoutError('1000.secret')],
    [
      'CONNECTION_FAILED',
      true,
      named('MongoServerSelectionError', {
        reason: { servers: new Map([['h:1', { error: cause('ECONNREFUSED') }]]) },
      }),
    ],
    [
      'TLS_REQUIRED',
      false,
      named('MongoServerSelectionError', {
        reason: {
          servers: new Map([
            [
              'h:1',
              { error: named('MongoNetworkError', { cause: cause('SELF_SIGNED_CERT_IN_CHAIN') }) },
            ],
          ]),
        },
      }),
    ],
    [
      'ACCESS_DENIED',
      false,
      named('MongoServerSelectionError', {
        reason: { servers: new Map([['h:1', { error: server(18) }]]) },
      }),
    ],
    ['INVALID_OPTION', false, named('MongoParseError')],
  ])('%s (retryable: %s)', (code, retryable, error) => {
    const translated = translateError(error, 'db.example:27017');
    expect(translated).toMatchObject({ code, retryable });
    expect(JSON.stringify(translated) + translated?.message + translated?.stack).not.toContain(
      '1000.secret',
    );
  });

  it('nothing where it is unknown', () => {
    expect(translateError(server(4711), '')).toBeUndefined();
    expect(translateError(new Error('1000.secret'), '')).toBeUndefined();
  });
});
