import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import {
  expect,
  expectFields,
  expectSame,
  idOf,
  idsIn,
  recordOf,
  versionOf,
} from '../expectations.ts';
import { KEYS } from '../keys.ts';
import { atAnotherTime } from '../moved-clock.ts';
import type { ObservedStore } from '../observed-store.ts';

const HOUR = 3_600_000;

export const timeChecks: readonly Check[] = [
  {
    clause: 'C19',
    title: 'a record stays when its access token has expired, before it was saved or after that',
    why: 'The refresh token outlives the access token: what goes with it is the login.',
    hint: 'Give records no time to live: no EXPIRE, no TTL index, no sweep over expiresAt.',
    async run(context) {
      const [store, other] = [await context.open(), await context.open()];
      // Where a time to live is in whole seconds, the last of these has one.
      const later = context.settings.intensity === 'quick' ? [1, 60] : [1, 60, 1_001];
      const inits = [-HOUR, ...later].map(
        (left): TokenInit => ({
          ...context.everyField(),
          expiresAt: Date.now() + left,
        }),
      );
      const ids: string[] = [];
      for (const init of inits) ids.push(idOf(await store.saveToken(new OAuthToken(init))));
      await passes(Math.max(...later) + 150);
      for (const handle of [store, other]) {
        for (const [at, init] of inits.entries()) {
          await requireThere(handle, ids[at] ?? '', init, 'after its access token has expired');
        }
        expectSame((await handle.getTokens()).length, inits.length, 'how many records are listed');
      }
    },
  },
  {
    clause: 'C19',
    title: 'a record stays that nobody asks for, for an hour, a month or ten years',
    why: 'A user who comes back after a holiday is logged in.',
    hint: 'Evict nothing: a token store is no cache.',
    async run(context) {
      const store = await context.open();
      const init = context.everyField();
      const id = idOf(await store.saveToken(new OAuthToken(init)));
      for (const hours of [1, 24 * 31, 24 * 3_653]) {
        await atAnotherTime(hours * HOUR, async () => {
          const when = `${hours} hours later`;
          await requireThere(store, id, init, when);
          await requireThere(await context.open(), id, init, `${when}, by a new handle`);
          expectSame((await store.getTokens()).length, 1, `how many records are listed ${when}`);
        });
      }
      await requireThere(store, id, init, 'after the clock was put right again');
    },
  },
  {
    clause: 'C11',
    title: 'what is saved after a delete stays: nothing is removed later',
    why: 'Who logs in again right after everything was cleared would be logged out a moment later.',
    hint: 'Remove what there is before the delete is acknowledged, and nothing after that.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const id = context.value('id');
      await store.saveToken(new OAuthToken({ ...every, id }));
      await store.deleteTokens();
      await store.saveToken(new OAuthToken({ ...every, id }));
      const one = context.token({ id: context.value('id') });
      await store.saveToken(one);
      await store.deleteToken(one.id ?? '');
      await store.saveToken(one);
      await passes(150);
      await requireThere(store, id, every, 'that was saved after deleteTokens');
      const found = await store.findTokenById(one.id ?? '');
      expectSame(
        found && recordOf(found)['refreshToken'],
        one.refreshToken,
        'the refresh token of a record that was saved after its deleteToken',
      );
    },
  },
  {
    clause: 'C20',
    title: 'the order of the list is that of the first saves, whatever the clock said then',
    why: 'Clocks are put right, and those of two machines differ.',
    hint: 'Order by a number that the storage counts up, not by a time.',
    async run(context) {
      const store = await context.open();
      const ids: string[] = [];
      for (const hours of [0, -1, 2, -48, 0]) {
        await atAnotherTime(hours * HOUR, async () => {
          for (let count = 0; count < 2; count += 1) {
            ids.push(idOf(await store.saveToken(context.token())));
          }
        });
      }
      const listed = await idsIn(store);
      expectSame(listed, ids, 'the ids in the order of their first save');
    },
  },
  {
    clause: 'C20',
    title: 'the later save wins, whatever the clock said then',
    why: 'The process whose clock is slow would never store what it has refreshed.',
    hint: 'Let saves be ordered by a lock or a transaction, not by a time.',
    async run(context) {
      const stores = [await context.open(), await context.open()];
      const token = context.token();
      let last = 0;
      let turn = 0;
      for (const hours of [0, -1, -48, 24, 0]) {
        const store = stores[turn % 2];
        turn += 1;
        if (store === undefined) return;
        await atAnotherTime(hours * HOUR, async () => {
          const accessToken = context.secret('access');
          const saved = await store.saveToken(token.with({ accessToken }));
          for (const reader of stores) {
            const found = await reader.findToken(
              new OAuthToken({ userSignature: token.userSignature }),
            );
            expectSame(
              found && recordOf(found)['accessToken'],
              accessToken,
              `the access token after a save with the clock ${hours} hours from the right time`,
            );
          }
          if (context.definition.versions !== true) return;
          const version = versionOf(saved);
          expect(version > last, `a version above ${last}`, `it was ${version}`);
          last = version;
        });
      }
    },
  },
  {
    clause: 'C13',
    title: 'a handle that was not used for a while sees what another one saved meanwhile',
    why: 'A worker that wakes up would refresh with a refresh token that was spent by another.',
    hint: 'Do not answer from what was read before, however recently the handle was used.',
    async run(context) {
      const [one, two] = [await context.open(), await context.open()];
      const token = context.token();
      const user = new OAuthToken({ userSignature: token.userSignature });
      const read = async (when: string, wanted: unknown): Promise<void> => {
        for (const [how, found] of [
          ['by user', await two.findToken(user)],
          ['in the list', (await two.getTokens())[0] ?? null],
        ] as const) {
          const got = found && recordOf(found)['accessToken'];
          expectSame(got, wanted, `the access token read ${how} ${when}`);
        }
      };
      const isQuick = context.settings.intensity === 'quick';
      await read('on an empty store', null);
      if (!isQuick) await passes(250);
      await one.saveToken(token);
      await read('after a first save', token.accessToken);
      await passes(250);
      const accessToken = context.secret('access');
      await one.saveToken(token.with({ accessToken }));
      await read('250 ms after the handle was used last', accessToken);
      if (isQuick) return;
      await passes(250);
      await read('250 ms after another one saved', accessToken);
    },
  },
];

/** Waits until a time has passed: that is what these are about. */
function passes(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function requireThere(
  store: ObservedStore,
  id: string,
  init: TokenInit,
  when: string,
): Promise<void> {
  for (const key of KEYS) {
    const value = key === 'id' ? id : init[key];
    const found = await store.findToken(new OAuthToken({ [key]: value }));
    expect(found !== null, `the record ${when} to be found by its ${key}`, 'it was gone');
    expectFields(found, init, `the record ${when}`);
  }
}
