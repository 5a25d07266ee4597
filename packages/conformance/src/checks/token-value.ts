import { deepStrictEqual } from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import { expect } from '../expectations.ts';
import { codeOf, firstLine } from '../failure-cause.ts';
import { leakIn } from '../leaks.ts';
import { PromiseBroken } from '../promise-broken.ts';

const HINT = 'Give out tokens of @tokenkeep/core: OAuthToken.fromRecord(record).';

export const tokenValueChecks: readonly Check[] = [
  {
    clause: 'T7',
    title: 'what redaction prints of a token is not taken for a value',
    why: 'A token that went through JSON or a log has lost its secrets: saved, it replaces those that are good.',
    hint: HINT,
    async run(context) {
      const store = await context.open();
      const saved = await store.saveToken(new OAuthToken(context.everyField()));
      const shown: unknown = JSON.parse(JSON.stringify(saved));
      const mark = Reflect.get(Object(shown), 'refreshToken');
      expect(
        typeof mark === 'string' && mark !== saved.refreshToken,
        'the JSON of a token to show a mark in the place of a secret',
        'it shows none',
      );
      for (const field of ['refreshToken', 'accessToken', 'scope', 'clientId'] as const) {
        requireThrown(() => saved.with({ [field]: mark }), `${field} with the mark of redaction`, [
          field,
        ]);
      }
    },
  },
  {
    clause: 'T8',
    title: 'seconds are not taken for milliseconds, nor the other way',
    why: 'Taken for the other, every token is expired since 1970, or for the next 50,000 years.',
    hint: HINT,
    async run(context) {
      const store = await context.open();
      const saved = await store.saveToken(context.token());
      for (const expiresAt of [1, 1_700_000_000, 99_999_999_999]) {
        requireThrown(() => saved.with({ expiresAt }), `expiresAt: ${expiresAt}`, [
          'expiresAt',
          'milliseconds',
        ]);
      }
      const expiresIn = 101 * 366 * 86_400;
      requireThrown(() => saved.with({ expiresIn }), `expiresIn: ${expiresIn}`, [
        'expiresIn',
        'second',
      ]);
    },
  },
  {
    clause: 'T9',
    title: 'two tokens are told apart, by equals and by comparison, and no secret is shown by that',
    why: 'A test that finds every token equal passes whatever the program saves.',
    hint: HINT,
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const saved = await store.saveToken(new OAuthToken(every));
      const found = await store.findToken(saved);
      expect(saved.equals(found ?? saved), 'a token to equal what is found of it', 'it does not');
      const same = isDeepStrictEqual(saved, found);
      expect(
        same,
        'assert.deepStrictEqual to find a token the same as what is found of it',
        'it does not',
      );
      const changes: readonly TokenInit[] = [
        { accessToken: context.secret('access'), expiresAt: every.expiresAt },
        { refreshToken: context.secret('refresh') },
        { scope: 'another' },
        { expiresAt: 1_999_999_999_999 },
        { extra: { other: context.secret('extra') } },
        { userSignature: { name: context.value('user') } },
        { resource: context.value('resource') },
      ];
      for (const change of changes) {
        const other = saved.with(change);
        const field = Object.keys(change)[0] ?? '';
        expect(!saved.equals(other), `a token with another ${field} not to equal`, 'it does');
        const difference = caught(() => deepStrictEqual(saved, other));
        expect(
          difference !== undefined,
          `assert.deepStrictEqual to find another ${field}`,
          'it finds none',
        );
        const leak = leakIn(difference, context.secrets);
        if (leak !== undefined) {
          throw new PromiseBroken(
            'the comparison of two tokens to show no secret',
            `its error shows one: ${leak}`,
          );
        }
      }
    },
  },
];

function caught(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** That something is refused with `INVALID_TOKEN`, and why is said. */
function requireThrown(work: () => unknown, what: string, words: readonly string[]): void {
  const error = caught(work);
  expect(error !== undefined, `${what} to be refused`, 'it was taken');
  expect(
    codeOf(error) === 'INVALID_TOKEN',
    `${what} to be refused with the code INVALID_TOKEN`,
    `it failed with ${firstLine(error)}`,
  );
  const message = error instanceof Error ? error.message : '';
  for (const word of words) {
    expect(message.includes(word), `the message to name ${word}`, `it was ${firstLine(error)}`);
  }
}
