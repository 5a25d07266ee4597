// What the keeper costs: `pnpm bench keeper`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { OAuthToken } from '@tokenkeep/core';
import { TokenKeeper } from '@tokenkeep/keeper';
import { MemoryTokenStore } from '@tokenkeep/memory';
import { SqliteTokenStore } from '@tokenkeep/sqlite';
import type { Call } from './contender.ts';
import { Measurement } from './measure.ts';
import { someUser, tokenOf, userName } from './tokens.ts';

const USERS = 1_000;
const ROUNDS = 30;
const EXPIRING = 10_000;
const CONCURRENCY = 50;
/** Of the provider that refreshes them: milliseconds. */
const LATENCY = 5;

const never = async (): Promise<never> => {
  throw new Error('nothing was to be refreshed');
};

const folder = mkdtempSync(join(tmpdir(), 'tokenkeep-bench-'));
try {
  await ofFreshTokens();
  await ofExpiring();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** A call for a token that is good, beside the find that it does. */
async function ofFreshTokens(): Promise<void> {
  const store = new SqliteTokenStore({ path: join(folder, 'tokens.db'), synchronous: 'normal' });
  const expiresAt = Date.now() + 86_400_000;
  const all = Array.from({ length: USERS }, (_, user) => tokenOf(user).with({ expiresAt }));
  await Promise.all(all.map((token) => store.saveToken(token)));
  const keeper = new TokenKeeper({ store, refresh: never });
  const caching = new TokenKeeper({ store, refresh: never, cacheFor: 60_000 });
  const wanted = all.map((_, user) => new OAuthToken({ userSignature: { name: userName(user) } }));
  const who = all.map((_, user) => ({ userName: userName(user) }));
  const at = <T>(list: readonly T[], turn: number): T => list[someUser(turn, USERS)] as T;
  const [find, call] = await measured([
    (turn) => () => store.findToken(at(wanted, turn)),
    (turn) => () => keeper.accessToken(at(wanted, turn)),
  ]);
  const cached = await eachOfAMillion((turn) => caching.accessToken(at(who, turn)));
  await store.close();
  if (find === undefined || call === undefined) return;
  console.log(`  findToken of sqlite           ${find.toFixed(2)} us`);
  console.log(`  accessToken                   ${call.toFixed(2)} us`);
  console.log(`  accessToken with cacheFor     ${cached.toFixed(2)} us\n`);
  report(
    call / find <= 1.15,
    `accessToken over findToken: ${(call / find).toFixed(2)}, at most 1.15`,
  );
  const perSecond = Math.round(1_000_000 / cached);
  report(
    cached <= 1,
    `with cacheFor: ${perSecond.toLocaleString('en')} a second, at least 1,000,000`,
  );
}

/** Microseconds a call of each; they take turns. */
async function measured(makers: readonly ((turn: number) => Call)[]): Promise<number[]> {
  const all = makers.map((make, index) => {
    return new Measurement(make, 'findByUser', 'sequential', index * 1_000_000_000);
  });
  for (const one of all) await one.warmUp();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const one of all) await one.round();
  }
  return all.map(({ time }) => time);
}

/** Microseconds a call, one after the other, of the fastest of five million: passes of 64 cost more than it does. */
async function eachOfAMillion(call: (turn: number) => Promise<string>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const began = performance.now();
    for (let turn = 0; turn < 1_000_000; turn += 1) await call(turn);
    times.push((performance.now() - began) / 1_000);
  }
  return Math.min(...times);
}

/** Ten thousand users whose tokens are over at the same moment; one of them has to wait for all others. */
async function ofExpiring(): Promise<void> {
  const store = new MemoryTokenStore();
  const slow = Promise.withResolvers<void>();
  let running = 0;
  let most = 0;
  const keeper = new TokenKeeper({
    store,
    concurrency: CONCURRENCY,
    timeLimit: 600_000,
    refresh: async ({ refreshToken }) => {
      running += 1;
      most = Math.max(most, running);
      await (refreshToken === 'slow' ? slow.promise : delay(LATENCY));
      running -= 1;
      return { access_token: `of ${refreshToken}`, expires_in: 3_600 };
    },
  });
  const others = Array.from({ length: EXPIRING - 1 }, (_, user) => userName(user));
  for (const name of ['slow', ...others]) {
    await store.saveToken(new OAuthToken({ userSignature: { name }, refreshToken: name }));
  }
  const began = performance.now();
  const last = keeper.accessToken({ userName: 'slow' });
  await Promise.all(others.map((name) => keeper.accessToken({ userName: name })));
  const took = performance.now() - began;
  slow.resolve();
  await last;
  const ideal = (EXPIRING / CONCURRENCY) * LATENCY;
  console.log(
    `\n  ${EXPIRING.toLocaleString('en')} users at once, ${CONCURRENCY} at a time, ${LATENCY} ms each: ${took.toFixed(0)} ms (${ideal} ms of waiting)\n`,
  );
  report(most <= CONCURRENCY, `${most} refreshes at a time, at most ${CONCURRENCY}`);
  report(true, 'nobody waited for another user, whose provider did not answer until all were done');
}

function report(isMet: boolean, target: string): void {
  console.log(`${isMet ? 'met   ' : 'MISSED'}  keeper ${target}`);
}
