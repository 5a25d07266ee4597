import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { OAuthToken, type TokenInit, type TokenRecord } from '@tokenkeep/core';
import { saveFromProcesses } from '@tokenkeep/load-checks';
import { type SqlServer, startMariadb } from '@tokenkeep/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MysqlTokenStore } from '../src/index.ts';
import { mariadb, mysql } from './definition.ts';

// MySQL writes its log twice a commit: fewer rounds, so that it takes no longer than MariaDB.
it.each([
  [mariadb.name, mariadb, 25],
  [mysql.name, mysql, 5],
] as const)(
  '%s: 4 processes that save 1,000 users over and over leave 1,000 records, and no save is lost',
  async (_name, definition, times) => {
    const versions = await saveFromProcesses(definition, 1_000, times);
    expect(versions).toEqual(Array.from({ length: 1_000 }, () => times));
  },
  180_000,
);

describe('a process that is killed between any two of its steps', () => {
  let server: SqlServer;
  beforeAll(async () => {
    server = await startMariadb({ own: true });
  }, 180_000);
  afterAll(() => server.stop());

  const user = (name: string) => ({ userSignature: { name } });
  const contents = async (store: MysqlTokenStore) =>
    (await store.getTokens())
      .map((token) => token.toRecord())
      .map(({ id: _id, version: _version, ...fields }) => sorted(fields))
      .sort();
  const sorted = (record: object) => JSON.stringify(Object.entries(record).sort());

  it.each<[string, readonly TokenInit[], TokenInit, number, readonly TokenRecord[]]>([
    [
      'while it adds a record',
      [],
      { ...user('ada'), refreshToken: 'r' },
      4,
      [{ refreshToken: 'r', userName: 'ada' }],
    ],
    [
      'while it updates one',
      [{ ...user('ada'), refreshToken: 'r' }],
      { ...user('ada'), accessToken: 'a' },
      4,
      [{ accessToken: 'a', refreshToken: 'r', userName: 'ada' }],
    ],
    [
      'while it adds one for another client of the same user',
      [{ ...user('ada'), clientId: '1', refreshToken: 'r' }],
      { ...user('ada'), clientId: '2', refreshToken: 's' },
      12,
      [
        { clientId: '1', refreshToken: 'r', userName: 'ada' },
        { clientId: '2', refreshToken: 's', userName: 'ada' },
      ],
    ],
    [
      'while it makes one of two',
      [
        { ...user('ada'), accessToken: 'a' },
        { refreshToken: 'r', grantToken: 'g' },
      ],
      { ...user('ada'), refreshToken: 'r' },
      12,
      [{ accessToken: 'a', refreshToken: 'r', userName: 'ada', grantToken: 'g' }],
    ],
  ])(
    '%s: it is done or not, and can be done again',
    async (_case, before, token, least, after) => {
      const expected = after.map(sorted).sort();
      let steps = 0;
      for (let isDone = false; !isDone; steps += 1) {
        const { url } = await server.createDatabase();
        await using store = new MysqlTokenStore({ uri: url });
        for (const init of before) await store.saveToken(new OAuthToken(init));
        const untouched = await contents(store);
        const end = await run(url, String(steps), JSON.stringify(token));
        expect(['SIGKILL', 0]).toContain(end);
        isDone = end === 0;
        expect([untouched, expected]).toContainEqual(await contents(store));
        await store.saveToken(new OAuthToken(token));
        expect(await contents(store)).toEqual(expected);
      }
      expect(steps).toBeGreaterThan(least);
    },
    120_000,
  );
});

/** Runs `processes/killed.ts` in a process of its own. */
async function run(...values: string[]): Promise<number | NodeJS.Signals> {
  const script = fileURLToPath(new URL('processes/killed.ts', import.meta.url));
  const child = spawn(process.execPath, [script, ...values], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code, signal]: (number | NodeJS.Signals | null)[] = await once(child, 'exit');
  return signal ?? code ?? -1;
}
