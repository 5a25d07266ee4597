import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import { type RedisServer, startRedis } from '@tokenkeep/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisTokenStore } from '../src/index.ts';

let server: RedisServer;
let prefixes = 0;
const newPrefix = () => `processes${++prefixes}:`;
const save = (store: RedisTokenStore, init: TokenInit) => store.saveToken(new OAuthToken(init));
const user = (name: string) => ({ userSignature: { name } });

beforeAll(async () => {
  server = await startRedis({ appendonly: true, appendfsync: 'always', own: true });
}, 300_000);

afterAll(() => server.stop());

/** Runs a program of `processes/` in a process of its own. */
async function run(name: string, ...values: string[]): Promise<number | NodeJS.Signals> {
  const script = fileURLToPath(new URL(`processes/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [script, ...values], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code, signal]: (number | NodeJS.Signals | null)[] = await once(child, 'exit');
  return signal ?? code ?? -1;
}

describe('a process that is killed between any two of its steps leaves the old or the new', () => {
  // With a read too many, or one too few, the number of commands would be another.
  it.each<[string, readonly TokenInit[], TokenInit, number, readonly object[]]>([
    [
      'while it adds a record: one command',
      [],
      { ...user('ada'), refreshToken: 'r' },
      3,
      [{ userName: 'ada', refreshToken: 'r' }],
    ],
    [
      'while it changes one that it has not seen: two',
      [{ ...user('ada'), refreshToken: 'r' }],
      { ...user('ada'), accessToken: 'a' },
      5,
      [{ userName: 'ada', refreshToken: 'r', accessToken: 'a' }],
    ],
    [
      'while it makes one of two: two',
      [
        { ...user('ada'), accessToken: 'a' },
        { refreshToken: 'r', grantToken: 'g' },
      ],
      { ...user('ada'), refreshToken: 'r' },
      5,
      [{ userName: 'ada', accessToken: 'a', refreshToken: 'r', grantToken: 'g' }],
    ],
  ])('%s', async (_case, before, token, steps, after) => {
    const recordsOf = async (store: RedisTokenStore) =>
      (await store.getTokens()).map((found) => {
        const { id: _id, version: _version, ...fields } = found.toRecord();
        return { ...fields };
      });
    let killed = 0;
    for (let end: number | NodeJS.Signals = 'SIGKILL'; end === 'SIGKILL'; ) {
      const prefix = newPrefix();
      await using store = new RedisTokenStore({ url: server.url, prefix });
      for (const init of before) await save(store, init);
      const untouched = await recordsOf(store);
      end = await run('killed', server.url, prefix, `${killed}`, JSON.stringify(token));
      expect([untouched, after]).toContainEqual(await recordsOf(store));
      await save(store, token);
      expect(await recordsOf(store)).toEqual(after);
      expect(['SIGKILL', 0]).toContain(end);
      if (end === 'SIGKILL') killed += 1;
    }
    expect(killed).toBe(steps);
  });
});
