import { OAuthToken } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import type { CheckContext } from '../check-context.ts';
import { longestStop } from '../event-loop.ts';
import { expect, idOf } from '../expectations.ts';
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
      'no call stops the event loop for more than 100 ms, with thousands of records, nor waits until all are read or removed',
    why: 'While it stands still the process answers nobody: health checks fail, other calls run out of time.',
    hint: 'Use asynchronous calls of the driver, read and write in batches, and let others run between them.',
    async run(context) {
      const store = await context.open();
      const tokens = await fill(context, store);
      const { userSignature, refreshToken, accessToken } = tokens[0] ?? context.token();
      const unknown = context.token();
      // These are known by their ids, one for each attempt.
      const ids = await Promise.all(
        Array.from({ length: ATTEMPTS }, async () => idOf(await store.saveToken(context.token()))),
      );
      const find = (what: OAuthToken) => () => store.findToken(what);
      const calls: readonly [string, () => Promise<unknown>][] = [
        ['saveToken of a new record', () => store.saveToken(context.token())],
        [
          'saveToken of a known record',
          () => store.saveToken(new OAuthToken({ refreshToken, scope: context.value('scope') })),
        ],
        ['findToken by the user', find(new OAuthToken({ userSignature }))],
        ['findToken by the refresh token', find(new OAuthToken({ refreshToken }))],
        ['findToken by the access token', find(new OAuthToken({ accessToken }))],
        ['findToken of what matches nothing', find(unknown)],
        ['findTokenById', () => store.findTokenById(ids[0] ?? '')],
        ['findTokenById of an unknown id', () => store.findTokenById(context.value('id'))],
        ['deleteToken', () => store.deleteToken(ids.pop() ?? '')],
        ['deleteToken of an unknown id', () => store.deleteToken(context.value('id'))],
        ['getTokens', () => store.getTokens()],
        ['the first find of a handle', async () => (await context.open()).findToken(unknown)],
        ...(context.definition.iterable === true
          ? [['tokens', () => iterate(store)] as [string, () => Promise<unknown>]]
          : []),
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
      await requireNoWaiting(context, store, 'getTokens');
      await requireNoWaiting(context, store, 'deleteTokens');
    },
  },
];

function countOf(context: CheckContext): number {
  return Math.max(300, Math.min(RECORDS, context.share(RECORDS)));
}

async function fill(context: CheckContext, store: ObservedStore): Promise<OAuthToken[]> {
  const tokens = Array.from({ length: countOf(context) }, () => context.token());
  await inParallel(tokens, async (token) => {
    await store.saveToken(token);
  });
  return tokens;
}

/** Goes through all records as a caller does who lets others have their turn. */
async function iterate(store: ObservedStore): Promise<void> {
  for await (const _token of store.tokens()) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/**
 * That no call waits until one that reads or removes all records is through with them. How long that
 * may be goes by how long the same calls take without it, as the store may be slow, and the machine
 * busy.
 */
async function requireNoWaiting(
  context: CheckContext,
  store: ObservedStore,
  method: 'getTokens' | 'deleteTokens',
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
    const all = store[method]();
    const [waited] = await Promise.all([slowest(calls), all]);
    const took = performance.now() - started;
    const allowed = LIMIT * context.settings.pace.factor + 10 * usual;
    // Where it is done in parts, a call may wait for one of them.
    if (waited <= Math.max(allowed, took / 2)) return;
    expect(
      attempt < ATTEMPTS,
      `a save and a find not to wait for ${method} of ${countOf(context)} records`,
      `one took ${Math.round(waited)} ms beside it, and ${Math.round(usual)} ms without it`,
    );
    if (method === 'deleteTokens') await fill(context, store);
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
