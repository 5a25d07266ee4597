import { createServer } from 'node:net';
import { OAuthToken } from '@tokenkeep/core';
import { Cluster, Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { RedisTokenStore, type RedisTokenStoreOptions } from '../src/index.ts';

/** The error of a constructor, as all that could be printed of it. */
function refusalOf(options: unknown): { code: string; text: string } {
  try {
    new RedisTokenStore(options as RedisTokenStoreOptions);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    return { code: String(error.code), text: `${error.message} ${JSON.stringify(error)}` };
  }
  return { code: 'taken', text: '' };
}

describe('the constructor', () => {
  it.each<[string, unknown, string]>([
    ['a text in place of options', 'redis://localhost', 'INVALID_OPTION'],
    ['an unknown option', { host: 'db.example' }, 'INVALID_OPTION'],
    ['the former name of an option', { settings: {} }, 'INVALID_OPTION'],
    ['two ways to a server', { url: 'redis://localhost', nodes: [] }, 'INVALID_OPTION'],
    ['settings after a question mark', { url: 'redis://localhost?sentinels=x' }, 'INVALID_OPTION'],
    ['sentinels that are no list', { options: { sentinels: 'x' } }, 'INVALID_OPTION'],
    ['no nodes', { nodes: [] }, 'INVALID_OPTION'],
    ['a brace in the prefix', { prefix: 'a}b:' }, 'INVALID_OPTION'],
    ['a time that is none', { timeout: 0 }, 'INVALID_OPTION'],
    ['another machine without TLS', { url: 'redis://db.example' }, 'TLS_REQUIRED'],
    [
      'a node that would get the password in the clear',
      { nodes: ['redis://:SECRET@localhost', 'rediss://:SECRET@remote.example'] },
      'INVALID_OPTION',
    ],
    [
      'an unchecked certificate',
      { url: 'rediss://db.example', options: { tls: { rejectUnauthorized: false } } },
      'TLS_REQUIRED',
    ],
    [
      'a Sentinel on another machine without TLS',
      { options: { sentinels: [{ host: 'db.example' }], name: 'main' } },
      'TLS_REQUIRED',
    ],
  ])('refuses %s', (_case, options, code) => {
    const refusal = refusalOf(options);
    expect(refusal.code).toBe(code);
    expect(refusal.text).not.toContain('SECRET');
  });

  it.each([
    'redis://:SECRET/x@localhost',
    'redis://user:SECRET?x@localhost',
    'redis://:SECRET%zz@localhost',
    'http://:SECRET@localhost',
  ])('refuses %s and does not show the password', (url) => {
    const refusal = refusalOf({ url });
    expect(refusal.code).toBe('INVALID_OPTION');
    expect(refusal.text).not.toContain('SECRET');
  });

  it('takes a URL, and a prefix with a hash tag', () => {
    expect(refusalOf({ url: new URL('redis://localhost'), prefix: '{app}:' }).code).toBe('taken');
  });

  it('refuses a client that sends commands again, and says what to set', () => {
    const lazyConnect = true;
    expect(refusalOf({ client: new Redis({ lazyConnect }) })).toMatchObject({
      code: 'INVALID_OPTION',
      text: expect.stringContaining('maxRetriesPerRequest: 0'),
    });
    expect(
      refusalOf({ client: new Cluster(['redis://localhost'], { lazyConnect }) }),
    ).toMatchObject({
      code: 'INVALID_OPTION',
      text: expect.stringContaining('retryDelayOnFailover: 0'),
    });
    expect(refusalOf({ client: new Redis({ lazyConnect, maxRetriesPerRequest: 0 }) }).code).toBe(
      'taken',
    );
  });
});

describe('a host that is named by', () => {
  /** Answers each command as a Sentinel or a node of a Cluster that names `db.example`. */
  async function startPretender() {
    const slots = '*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$10\r\ndb.example\r\n:6379\r\n';
    const replies: readonly [RegExp, string][] = [
      [/get-master-addr-by-name/i, '*2\r\n$10\r\ndb.example\r\n$4\r\n6379\r\n'],
      [/\r\nsentinels\r\n/i, '*0\r\n'],
      [/\r\nslots\r\n/i, slots],
      [/\r\ncluster\r\n.*info/is, '$16\r\ncluster_state:ok\r\n'],
      [/\r\nhello\r\n/i, '-ERR unknown command HELLO\r\n'],
      [/\r\ninfo\r\n/i, '$9\r\nloading:0\r\n'],
    ];
    const listener = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (sent) => {
        for (const command of String(sent).split(/(?=\*\d+\r\n\$)/)) {
          socket.write(replies.find(([pattern]) => pattern.test(command))?.[1] ?? '+OK\r\n');
        }
      });
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const address = listener.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    return { port, [Symbol.dispose]: () => listener.close() };
  }

  it('a Sentinel on this machine is not spoken to without TLS', async () => {
    using sentinel = await startPretender();
    const sentinels = [{ host: '127.0.0.1', port: sentinel.port }];
    await using store = new RedisTokenStore({
      options: { sentinels, name: 'main' },
      timeout: 1_000,
    });
    const error = await store.ready().catch((failure) => failure);
    expect(error).toMatchObject({ code: 'TLS_REQUIRED' });
    expect(error.message).toContain('db.example');
  });

  it('a node of a Cluster on this machine is not spoken to without TLS', async () => {
    using node = await startPretender();
    await using store = new RedisTokenStore({
      nodes: [`redis://127.0.0.1:${node.port}`],
      timeout: 1_000,
    });
    const error = await store.findToken(new OAuthToken({ id: '1' })).catch((failure) => failure);
    expect(error).toMatchObject({ code: 'TLS_REQUIRED' });
    expect(error.message).toContain('db.example');
  });
});
