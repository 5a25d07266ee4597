import { afterEach, describe, expect, it, vi } from 'vitest';
import { FirestoreTokenStore } from '../src/index.ts';

const refusal = (options: object) => {
  try {
    new FirestoreTokenStore(options);
  } catch (error) {
    return error;
  }
  return 'accepted';
};

afterEach(() => vi.unstubAllEnvs());

describe('a wrong option is refused by the constructor', () => {
  it.each(['', 'a/b', '__x__', 'x_keys', '..', 7])('collection %j', (collection) => {
    expect(refusal({ collection })).toMatchObject({ code: 'INVALID_OPTION' });
  });

  it.each([{ settings: {} }, { url: 'x' }, { Collection: 'x' }])('unknown: %j', (options) => {
    expect(refusal(options)).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(Object.keys(options)[0] ?? ''),
    });
  });

  it('two clients', () => {
    expect(refusal({ firestore: {}, options: {} })).toMatchObject({ code: 'INVALID_OPTION' });
  });

  it.each([0, -1, 1.5, '9'])('timeout %j', (timeout) => {
    expect(refusal({ timeout })).toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('a connection without encryption', () => {
  it.each([{ ssl: false, host: 'db.example' }, { ssl: false }])(
    'to another machine is refused: %j',
    (settings) => {
      expect(refusal({ options: settings })).toMatchObject({
        code: 'TLS_REQUIRED',
        message: expect.stringContaining('tls: false'),
      });
    },
  );

  it('to another machine is refused where the environment asks for it', () => {
    vi.stubEnv('FIRESTORE_EMULATOR_HOST', 'emulator.example:8080');
    expect(refusal({})).toMatchObject({ code: 'TLS_REQUIRED' });
    expect(refusal({ tls: false })).toBe('accepted');
  });

  it('is not made where the variable is empty', () => {
    vi.stubEnv('FIRESTORE_EMULATOR_HOST', '');
    expect(refusal({})).toBe('accepted');
    expect(refusal({ options: { host: 'db.example' } })).toBe('accepted');
    expect(refusal({ options: { host: 'db.example', ssl: false } })).toMatchObject({
      code: 'TLS_REQUIRED',
    });
  });

  it('to this machine is allowed', () => {
    for (const host of ['127.0.0.1:8080', '[::1]:8080', 'localhost']) {
      vi.stubEnv('FIRESTORE_EMULATOR_HOST', host);
      expect(refusal({})).toBe('accepted');
    }
  });
});
