import { OAuthToken } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import { longestStop } from '../event-loop.ts';
import { expect } from '../expectations.ts';
import { inParallel } from '../in-parallel.ts';

/** How long a call may stop the event loop: milliseconds. */
const LIMIT = 100;
/** A machine that is busy stops a process too: that does not happen at every attempt. */
const ATTEMPTS = 4;
const RECORDS = 3_000;

export const eventLoopChecks: readonly Check[] = [
  {
    clause: 'A6',
    title: 'no call stops the event loop for more than 100 ms, with thousands of records',
    why: 'While it stands still the process answers nobody: health checks fail, other calls run out of time.',
    hint: 'Use asynchronous calls of the driver, read and write in batches, and let others run between them.',
    async run(context) {
      const store = await context.open();
      const tokens = Array.from(
        { length: Math.max(300, Math.min(RECORDS, context.share(RECORDS))) },
        () => context.token(),
      );
      await inParallel(tokens, async (token) => {
        await store.saveToken(token);
      });
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
    },
  },
];
