import { OAuthToken } from '@tokenkeep/core';
import { reauthorizationRequired } from '@tokenkeep/keeper';
import type { Rotation } from '@tokenkeep/oauth-provider';
import { expect, vi } from 'vitest';
import type { Mishap } from './caller.ts';
import type { Figures, Run } from './run.ts';

/** What may happen while ten calls in each of four processes need a new access token. */
export interface Scenario {
  /** With the clause of the contract that it checks. */
  readonly title: string;
  /** The kinds of provider that it is always run with, on every store. @default the strictest */
  readonly always?: readonly Rotation[];
  play(run: Run, rotation: Rotation): Promise<void>;
}

export const ROTATIONS: readonly Rotation[] = ['keeps', 'rotates', 'grace', 'revokes'];

const ONE_REFRESH: Partial<Figures> = { failed: 0, refreshes: 1, refused: 0, familiesRevoked: 0 };

/** The second use of a refresh token, where the first was not stored in time. */
const SECOND_USE: Readonly<Record<Rotation, Partial<Figures>>> = {
  keeps: { refreshes: 2, refused: 0, familiesRevoked: 0 },
  grace: { refreshes: 2, refused: 0, familiesRevoked: 0 },
  rotates: { refreshes: 1, refused: 1, familiesRevoked: 0 },
  revokes: { refreshes: 1, familiesRevoked: 1 },
};

const LOGIN_IS_OVER = ['REAUTHORIZATION_REQUIRED'];

async function expectLiveLogin(run: Run): Promise<void> {
  expect(run.provider.isLive((await run.record())?.refreshToken)).toBe(true);
}

async function expectDeadLogin(run: Run): Promise<void> {
  const record = await run.record();
  expect(record && reauthorizationRequired(record)?.oauthError).toBe('invalid_grant');
}

/** Somebody else writes while the provider has answered and nothing is stored yet. */
async function during(run: Run, write: () => Promise<unknown>): Promise<void> {
  run.provider.holdAnswers(true);
  const called = run.callFromAll();
  await run.provider.asked(1);
  await write();
  run.provider.holdAnswers(false);
  await called;
}

/** The provider fails, and then it does not. */
async function whileFailing(run: Run, fail: (fails: boolean) => void): Promise<void> {
  fail(true);
  await run.callFromAll();
  const failed = run.figures();
  expect(failed).toMatchObject({ calls: 40, failed: 40, errors: ['REFRESH_FAILED'] });
  fail(false);
  await run.callFromAll();
  expect(run.figures()).toMatchObject({ ...ONE_REFRESH, calls: 80, failed: 40 });
  await expectLiveLogin(run);
}

/** The holder was stopped with its refresh token spent, the others have sent it again, and it goes on. */
async function expectAfterSecondUse(run: Run, rotation: Rotation): Promise<void> {
  const figures = run.figures();
  expect(figures).toMatchObject({ ...SECOND_USE[rotation], calls: 40 });
  if (rotation !== 'revokes') {
    expect(figures.failed).toBe(0);
    await expectLiveLogin(run);
    return;
  }
  // What no program can promise: docs/keeper.md.
  expect(figures).toMatchObject({ failed: 40, errors: LOGIN_IS_OVER });
  await expectDeadLogin(run);
}

async function stopWith(run: Run, mishap: Mishap): ReturnType<Run['beginHolder']> {
  const holder = await run.beginHolder(mishap);
  if (mishap.when === 'answered') await run.provider.asked(1);
  return holder;
}

export const SCENARIOS: readonly Scenario[] = [
  {
    title: 'R1 nothing happens',
    always: ROTATIONS,
    async play(run) {
      await run.callFromAll();
      expect(run.figures()).toMatchObject({ ...ONE_REFRESH, calls: 40 });
      await expectLiveLogin(run);
    },
  },
  {
    title: 'R3 an unrelated save during the refresh',
    async play(run) {
      const note = new OAuthToken({ id: run.saved.id, extra: { note: 'kept' } });
      await during(run, () => run.store.saveToken(note));
      expect(run.figures()).toMatchObject({ ...ONE_REFRESH, calls: 40 });
      expect((await run.record())?.extra?.['note']).toBe('kept');
      await expectLiveLogin(run);
    },
  },
  {
    title: 'R3 a new login during the refresh',
    async play(run) {
      const answer = run.provider.login('ada');
      const login = OAuthToken.fromTokenResponse(answer, { id: run.saved.id });
      await during(run, () => run.store.saveToken(login));
      expect(run.figures()).toMatchObject({ ...ONE_REFRESH, calls: 40 });
      expect((await run.record())?.refreshToken).toBe(login.refreshToken);
    },
  },
  {
    title: 'R5 a deletion during the refresh',
    async play(run) {
      await during(run, () => run.store.deleteToken(run.saved.id ?? ''));
      const figures = { calls: 40, failed: 40, errors: LOGIN_IS_OVER, refreshes: 1 };
      expect(run.figures()).toMatchObject(figures);
      expect(await run.record()).toBeNull();
    },
  },
  {
    title: 'R2 the provider is slow',
    async play(run) {
      run.provider.holdAnswers(true);
      const called = run.callFromAllQuickly();
      await run.provider.asked(1);
      const first = (await run.record())?.lease;
      // Half of the time is over.
      await vi.waitUntil(async () => (await run.record())?.lease !== first, 60_000);
      run.provider.holdAnswers(false);
      await called;
      expect(run.figures()).toMatchObject({ ...ONE_REFRESH, calls: 40 });
      await expectLiveLogin(run);
    },
  },
  {
    title: 'R6 the provider is down',
    play: (run) => whileFailing(run, (fails) => run.provider.hangUp(fails)),
  },
  {
    title: 'R6 the provider answers 503',
    play: (run) => whileFailing(run, (fails) => run.provider.failWith(fails ? 503 : undefined)),
  },
  {
    title: 'R6 the provider answers 429',
    play: (run) =>
      whileFailing(run, (fails) =>
        run.provider.failWith(fails ? 429 : undefined, { 'retry-after': '1' }),
      ),
  },
  {
    title: 'R7 the holder is killed before it asks',
    async play(run) {
      await run.beginHolder({ signal: 'SIGKILL', when: 'leased' });
      await run.callFromOthers();
      expect(run.figures()).toMatchObject({ ...ONE_REFRESH, calls: 30 });
      await expectLiveLogin(run);
    },
  },
  {
    title: 'R7 the holder is killed with the answer',
    async play(run, rotation) {
      await stopWith(run, { signal: 'SIGKILL', when: 'answered' });
      await run.callFromOthers();
      const figures = run.figures();
      expect(figures).toMatchObject({ ...SECOND_USE[rotation], calls: 30 });
      if (rotation === 'keeps' || rotation === 'grace') {
        expect(figures.failed).toBe(0);
        await expectLiveLogin(run);
        return;
      }
      // What no program can promise: the answer was in the killed process alone.
      expect(figures).toMatchObject({ failed: 30, refused: 1, errors: LOGIN_IS_OVER });
      await expectDeadLogin(run);
    },
  },
  {
    title: 'R2 the holder is stopped before it asks, and goes on late',
    async play(run) {
      const { process, held } = await run.beginHolder({ signal: 'SIGSTOP', when: 'leased' });
      await run.callFromOthers();
      process.kill('SIGCONT');
      await held;
      expect(run.figures()).toMatchObject({ ...ONE_REFRESH, calls: 40 });
      await expectLiveLogin(run);
    },
  },
  {
    title: 'R3 the holder is stopped with the answer, and goes on late',
    always: ['rotates', 'revokes'],
    async play(run, rotation) {
      const { process, held } = await stopWith(run, { signal: 'SIGSTOP', when: 'answered' });
      const called = run.callFromOthers();
      await run.provider.asked(2);
      process.kill('SIGCONT');
      await Promise.all([called, held]);
      await expectAfterSecondUse(run, rotation);
    },
  },
  {
    title: 'R3 the holder is stopped while it asks, and goes on late',
    always: ['rotates', 'revokes'],
    async play(run, rotation) {
      run.provider.holdAnswers(true);
      const { process, held } = await run.beginHolder();
      await run.provider.asked(1);
      process.kill('SIGSTOP');
      run.provider.holdAnswers(false);
      const called = run.callFromOthers();
      await run.provider.asked(2);
      process.kill('SIGCONT');
      await Promise.all([called, held]);
      await expectAfterSecondUse(run, rotation);
    },
  },
];
