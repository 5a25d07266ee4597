import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { OAuthToken, type TokenInit, type TokenRecord } from '@tokenkeep/core';
import { type MongoServer, startMongo } from '@tokenkeep/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MongoTokenStore } from '../src/index.ts';

let server: MongoServer;
let databases = 0;
const newDatabase = () => `tokenkeep_processes_${process.pid}_${++databases}`;
const save = (store: MongoTokenStore, init: TokenInit) => store.saveToken(new OAuthToken(init));
const user = (name: string) => ({ userSignature: { name } });

beforeAll(async () => {
  server = await startMongo({ own: true });
}, 180_000);

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

const fieldsOf = async (store: MongoTokenStore) =>
  (await store.getTokens())
    .map((token) => token.toRecord())
    .map(({ id: _id, version: _version, ...fields }) => JSON.stringify(fields))
    .sort();

describe('a process that is killed between any two of its steps', () => {
  it.each<[string, readonly TokenInit[], TokenInit, number, readonly TokenRecord[]]>([
    [
      'while it adds a record',
      [],
      { ...user('ada'), refreshToken: 'r' },
      3,
      [{ refreshToken: 'r', userName: 'ada' }],
    ],
    [
      'while it adds one for another client of the same user',
      [{ ...user('ada'), clientId: '1', refreshToken: 'r' }],
      { ...user('ada'), clientId: '2', refreshToken: 's' },
      8,
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
      9,
      [{ accessToken: 'a', refreshToken: 'r', userName: 'ada', grantToken: 'g' }],
    ],
  ])('%s', async (_case, before, token, leastSteps, after) => {
    const sorted = (record: object) => JSON.stringify(Object.entries(record).sort());
    const expected = after.map(sorted).sort();
    const kill = async (steps: number): Promise<boolean> => {
      const database = newDatabase();
      await using store = new MongoTokenStore({ uri: server.url, database });
      for (const init of before) await save(store, init);
      const untouched = await fieldsOf(store);
      const end = await run('killed', server.url, database, String(steps), JSON.stringify(token));
      const left = (await fieldsOf(store)).map((text) => sorted(JSON.parse(text))).sort();
      expect([untouched.map((text) => sorted(JSON.parse(text))).sort(), expected]).toContainEqual(
        left,
      );
      await save(store, token);
      const repaired = (await fieldsOf(store)).map((text) => sorted(JSON.parse(text))).sort();
      expect(repaired).toEqual(expected);
      expect(['SIGKILL', 0]).toContain(end);
      return end === 0;
    };
    let killed = 0;
    for (let isDone = false; !isDone; killed += 4) {
      const ends = await Promise.all([0, 1, 2, 3].map((more) => kill(killed + more)));
      isDone = ends.includes(true);
    }
    expect(killed).toBeGreaterThanOrEqual(leastSteps);
  });
});

it('4 processes that save 1,000 users 25 times leave 1,000 records', async () => {
  const database = newDatabase();
  const start = performance.now();
  const ends = await Promise.all(
    [0, 1, 2, 3].map((n) => run('worker', server.url, database, '1000', '25', `${n}`, '4')),
  );
  expect(ends).toEqual([0, 0, 0, 0]);
  await using store = new MongoTokenStore({ uri: server.url, database });
  const tokens = await store.getTokens();
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(`${tokens.length} records after 25,000 saves in ${seconds} s`);
  expect(new Set(tokens.map((token) => token.userSignature?.name)).size).toBe(1000);
  expect(tokens.map((token) => token.version)).toEqual(Array.from({ length: 1000 }, () => 25));
}, 300_000);

it('the server is killed and started again under load: nothing acknowledged is lost or doubled', async () => {
  const database = newDatabase();
  await using store = new MongoTokenStore({ uri: server.url, database });
  await store.ready();
  const acknowledged = new Map<string, number>();
  let saves = 0;
  let failures = 0;
  let isOver = false;
  const clientOf = (n: number) => user(`user ${n}`);
  const keepSaving = async (n: number) => {
    for (let round = 0; !isOver; round += 1) {
      try {
        const { version = 0 } = await save(store, {
          ...clientOf(n),
          refreshToken: `1000.${n}`,
          accessToken: `1000.${n}.${round}`,
        });
        acknowledged.set(`user ${n}`, version);
        saves += 1;
      } catch {
        failures += 1;
      }
    }
  };
  const working = Array.from({ length: 32 }, (_, n) => keepSaving(n));
  for (let kills = 1; kills <= 3; kills += 1) {
    await expect.poll(() => saves, { timeout: 60_000 }).toBeGreaterThan(kills * 500);
    await server.kill();
    await server.restart();
  }
  await expect.poll(() => saves, { timeout: 60_000 }).toBeGreaterThan(2_000);
  isOver = true;
  await Promise.all(working);

  const tokens = await store.getTokens();
  const found = new Map(tokens.map((token) => [token.userSignature?.name, token.version ?? 0]));
  const lost = [...acknowledged].filter(([name, version]) => (found.get(name) ?? 0) < version);
  console.log(
    `saves acknowledged ${saves}, failed ${failures}; records found ${tokens.length}, lost ${lost.length}, doubled ${tokens.length - found.size}`,
  );
  expect(lost).toEqual([]);
  expect(tokens).toHaveLength(32);
  expect(found.size).toBe(32);
}, 200_000);
