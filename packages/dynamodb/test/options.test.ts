import { afterEach, describe, expect, it, vi } from 'vitest';
import { DynamodbTokenStore } from '../src/index.ts';
import { configFor } from './config-for.ts';
import { failure } from './tables.ts';

const refusal = (options: object) => {
  try {
    new DynamodbTokenStore(options);
  } catch (error) {
    return error;
  }
  return 'accepted';
};

afterEach(() => vi.unstubAllEnvs());

describe('a wrong option is refused by the constructor, by its name', () => {
  it.each([
    ['table', { table: 'ab' }],
    ['table', { table: 'a/b/c' }],
    ['table', { table: 7 }],
    ['client', { client: {} }],
    ['client', { client: null }],
    ['options', { client: { send() {} }, options: {} }],
    ['options', { options: 'eu-central-1' }],
    ['tls', { tls: true }],
    ['timeout', { timeout: 0 }],
    ['timeout', { timeout: '9' }],
    ['region', { region: 'eu-central-1' }],
    ['Table', { Table: 'tokens' }],
  ])('%s: %j', (name, options) => {
    expect(refusal(options)).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(name),
    });
  });

  it('and what is right is accepted', () => {
    expect(refusal({})).toBe('accepted');
    expect(refusal({ table: 'my.tokens-2_b', timeout: 1, tls: false })).toBe('accepted');
  });
});

describe('an endpoint without encryption', () => {
  it('on another machine is refused by the constructor', () => {
    expect(refusal({ options: { endpoint: 'http://db.example:8000' } })).toMatchObject({
      code: 'TLS_REQUIRED',
      message: expect.stringContaining('tls: false'),
    });
  });

  it('on another machine is accepted with tls: false', () => {
    expect(refusal({ options: { endpoint: 'http://db.example' }, tls: false })).toBe('accepted');
  });

  it.each(['http://127.0.0.1:8000', 'http://[::1]:8000', 'http://localhost', 'https://db.example'])(
    '%s is accepted',
    (endpoint) => {
      expect(refusal({ options: { endpoint } })).toBe('accepted');
    },
  );

  it('that the environment names is refused before anything is sent', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', 'http://db.example:8000');
    const { endpoint: _, ...options } = configFor('');
    await using store = new DynamodbTokenStore({ options });
    expect(await failure(store.ready())).toMatchObject({
      code: 'TLS_REQUIRED',
      message: expect.stringContaining('db.example'),
    });
  });
});
