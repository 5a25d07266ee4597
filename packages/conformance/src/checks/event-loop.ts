import { OAuthToken } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import type { CheckContext } from '../check-context.ts';
import { longestStop } from '../event-loop.ts';
import { expect } from '../expectations.ts';
import { inParallel } from '../in-parallel.ts';
import type { ObservedStore } from '../observed-store.ts';

/** How long a call may stop the event loop: milliseconds. */
const LIMIT = 100;
/** A machine that is busy stops a process too: that does not happen at every attempt. */
const ATTEMPTS = 4;
const RECORDS = 3_000;

export const eventLoopChecks: readonly Check[] = [
  {
    clause: 'A6',
    title:
      'no call stops the event loop for more than 100 ms, with thousands of records, nor waits for the removal of all',
    why: 'While it stands still the process answers nobody: health checks fail, other calls run out of time.',
    hint: 'Use asynchronous calls of the driver, read and write in batches, and let others run between them.',
    async run(context) {
      const store = await context.open();
      const tokens = await fill(context, store);
      const [one = context.token()] = tokens;
      const calls: readonly [string, () => Promise<unknown>][] = [
        ['saveToken of a new record', () => store.saveToken(context.token())],
        [
          'saveToken of a known record',
          () => store.saveToken(one.with({ scope: context.value('scope') })),
        ],
        ['findToken', () => store.findToken(new OAuthToken({ refreshToken: one.refreshToken }))],
        ['findTokenById', () => store.findTokenById(context.value('id'))],
        ['deleteToken', () => store.deleteToken(context.value('id'))],
        ['getTokens', () => store.getTokens()],
      ];
      for (const [what, call] of calls) {
        let shortest = Number.POSITIVE_INFINITY;
        for (let attempt = 0; attempt < ATTEMPTS && shortest > LIMIT; attempt += 1) {
          shortest = Math.min(shortest, await longestStop(call));
        }
        expect(
          shortest <= LIMIT,
          `${what} beside ${tokens.length} records to stop the event loop for ${LIMIT} ms at most`,
          `it did so for ${Math.round(shortest)} ms, and no less in ${ATTEMPTS} attempts`,
        );
      }
      await requireNoWaiting(context, store, tokens.length);
    },
  },
];

async function fill(context: CheckContext, store: ObservedStore): Promise<OAuthToken[]> {
  const count = Math.max(300, Math.min(RECORDS, context.share(RECORDS)));
  const tokens = Array.from({ length: count }, () => context.token());
  await inParallel(tokens, async (token) => {
    await store.saveToken(token);
  });
  return tokens;
}

/**
 * That no call waits until `deleteTokens` is through with all records. How long that may be goes by
 * how long the same calls take without it, as the store may be slow, and the machine busy.
 */
async function requireNoWaiting(
  context: CheckContext,
  store: ObservedStore,
  count: number,
): Promise<void> {
  const another = await context.open();
  const found = new OAuthToken({ refreshToken: context.secret('refresh') });
  const calls: readonly (() => Promise<unknown>)[] = [store, another].flatMap((handle) => [
    () => handle.saveToken(context.token()),
    () => handle.findToken(found),
  ]);
  for (let attempt = 1; ; attempt += 1) {
    const usual = Math.max(await slowest(calls), await slowest(calls));
    const started = performance.now();
    const deleting = store.deleteTokens();
    const [waited] = await Promise.all([slowest(calls), deleting]);
    const took = performance.now() - started;
    const allowed = LIMIT * context.settings.pace.factor + 10 * usual;
    // Where the removal is done in parts, a call may wait for one of them.
    if (waited <= Math.max(allowed, took / 2)) return;
    expect(
      attempt < ATTEMPTS,
      `a save and a find not to wait for deleteTokens of ${count} records`,
      `one took ${Math.round(waited)} ms beside it, and ${Math.round(usual)} ms without it`,
    );
    await fill(context, store);
  }
}

/** Makes the calls at once, and tells how long the slowest of them took: milliseconds. */
async function slowest(calls: readonly (() => Promise<unknown>)[]): Promise<number> {
  const times = calls.map(async (call) => {
    const started = performance.now();
    await call();
    return performance.now() - started;
  });
  return Math.max(...(await Promise.all(times)));
}
