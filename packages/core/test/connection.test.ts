import { describe, expect, it } from 'vitest';
import { isLoopback, networkFailure, tlsRequired } from '../src/adapter/server/index.ts';
import { ERROR_CODES, TokenStoreError } from '../src/index.ts';

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
