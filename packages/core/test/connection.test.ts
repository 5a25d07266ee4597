import { describe, expect, it } from 'vitest';
import { addressIn, isLoopback, networkFailure, tlsRequired } from '../src/adapter/server/index.ts';
import { ERROR_CODES, TokenStoreError } from '../src/index.ts';

describe('addressIn', () => {
  const addressOf = (url: string | URL) => addressIn(url, ['db:', 'dbs:'], 'db://host').address;

  it('decodes what the URL says, and has nothing besides', () => {
    const whole = 'dbs://app:p%40ss@db.example:3307/to%20kens';
    const address = {
      host: 'db.example',
      port: 3307,
      user: 'app',
      password: 'p@ss',
      database: 'to kens',
    };
    expect(addressOf(whole)).toEqual(address);
    expect(addressOf(new URL(whole))).toEqual(address);
    expect(addressOf('db://[::1]/')).toEqual({ host: '::1' });
    expect(addressOf('db://')).toEqual({});
  });

  it('gives the settings beside it', () => {
    const { settings } = addressIn('db://host?ssl=1', ['db:'], 'db://host');
    expect([...settings]).toEqual([['ssl', '1']]);
  });

  it.each(['host', 'http://host', 'db:host', 'db://[', 'db://user:%SECRET@host'])(
    'refuses %s, and does not show it',
    (url) => {
      expect(() => addressOf(url)).toThrow(
        expect.objectContaining({
          code: 'INVALID_OPTION',
          message: expect.not.stringContaining('SECRET'),
        }),
      );
    },
  );
});

describe('isLoopback', () => {
  it.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.8.9.10', '::1', '[::1]'])(
    '%s is this machine',
    (host) => {
      expect(isLoopback(host)).toBe(true);
    },
  );

  it.each([
    'db.example',
    'localhost.example',
    '127.0.0.1.example',
    '10.0.0.1',
    '0.0.0.0',
    '::2',
    '',
  ])('%j may be another', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});

describe('networkFailure', () => {
  it.each([
    [{ code: 'ECONNREFUSED', address: '10.0.0.1', port: 8443 }, '(10.0.0.1:8443)'],
    [{ code: 'ENOTFOUND', hostname: 'db.example' }, '(db.example)'],
    [{ code: 'ETIMEDOUT', address: '10.0.0.1', port: 8443 }, '(10.0.0.1:8443)'],
  ])('names the server that %j tells', (error, server) => {
    expect(networkFailure(error)?.message).toContain(server);
    expect(networkFailure(error, 'mine:1')?.message).toContain('(mine:1)');
  });

  it.each([
    ['ECONNREFUSED', 'CONNECTION_FAILED', true],
    ['ENOTFOUND', 'CONNECTION_FAILED', true],
    ['ETIMEDOUT', 'TIMEOUT', true],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TLS_REQUIRED', false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS_REQUIRED', false],
    ['CERT_HAS_EXPIRED', 'TLS_REQUIRED', false],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'TLS_REQUIRED', false],
  ])('takes %s for %s', (driverCode, code, retryable) => {
    expect(networkFailure({ code: driverCode })).toMatchObject({ code, retryable, driverCode });
  });

  it.each([{ code: 'ER_DUP_ENTRY' }, { code: 7 }, {}, null, 'ECONNREFUSED'])(
    'does not know %j',
    (error) => {
      expect(networkFailure(error)).toBeUndefined();
    },
  );
});

it('the refusal of an insecure connection says how to allow it', () => {
  expect(tlsRequired('db.example')).toBeInstanceOf(TokenStoreError);
  expect(tlsRequired('db.example').message).toContain('tls: false');
});

it('every code says what it means and what to do', () => {
  for (const advice of Object.values(ERROR_CODES)) expect(advice).toMatch(/^[A-Z].+\.$/);
});
