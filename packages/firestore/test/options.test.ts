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

  it('to this machine is allowed', () => {
    vi.stubEnv('FIRESTORE_EMULATOR_HOST', '127.0.0.1:8080');
    expect(refusal({})).toBe('accepted');
  });
});
