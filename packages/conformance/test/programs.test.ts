import { CLEARABLE_FIELDS } from '@tokenkeep/core/adapter';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { concurrentCalls } from '../src/concurrent-programs.ts';
import { type PlannedCall, plannedCalls } from '../src/programs.ts';

/** What a program that is written at random is to have in it, each in every twentieth at least. */
const TRAITS: Readonly<Record<string, (planned: PlannedCall) => boolean>> = {
  ...Object.fromEntries(
    CLEARABLE_FIELDS.flatMap((field) =>
      (['saveToken', 'findToken'] as const).map((method) => [
        `${method} with ${field}`,
        ({ call }: PlannedCall) =>
          call.method === method &&
          call.token[field === 'userSignature' ? 'userName' : field] !== undefined,
      ]),
    ),
  ),
  ...Object.fromEntries(
    (['saveToken', 'findToken'] as const).flatMap((method) => [
      [
        `${method} under an id that is known`,
        ({ call, id }: PlannedCall) => call.method === method && typeof id === 'number',
      ],
      [
        `${method} under an id of its own`,
        ({ call, id }: PlannedCall) => call.method === method && typeof id === 'string',
      ],
    ]),
  ),
  ...Object.fromEntries(
    (['saveToken', 'deleteToken'] as const).flatMap((method) => [
      [
        `${method} over the current version`,
        ({ call, ifVersion }: PlannedCall) => call.method === method && ifVersion === 'current',
      ],
      [
        `${method} over another version`,
        ({ call, ifVersion }: PlannedCall) =>
          call.method === method && typeof ifVersion === 'number' && ifVersion > 0,
      ],
    ]),
  ),
  'saveToken over version 0': ({ ifVersion }) => ifVersion === 0,
  'saveToken with ifExists: true': ({ call }) =>
    call.method === 'saveToken' && call.options?.ifExists === true,
  'saveToken with ifExists: false': ({ call }) =>
    call.method === 'saveToken' && call.options?.ifExists === false,
  ...Object.fromEntries(
    CLEARABLE_FIELDS.map((field) => [
      `saveToken with clear of ${field}`,
      ({ call }: PlannedCall) =>
        call.method === 'saveToken' && call.options?.clear?.includes(field) === true,
    ]),
  ),
  ...Object.fromEntries(
    (['findTokenById', 'deleteToken', 'getTokens', 'deleteTokens'] as const).map((method) => [
      method,
      ({ call }: PlannedCall) => call.method === method,
    ]),
  ),
};

/** The same of those that run side by side. */
const CONCURRENT_TRAITS: Readonly<Record<string, (planned: PlannedCall) => boolean>> = {
  ...Object.fromEntries(
    (['refreshToken', 'accessToken', 'scope'] as const).map((field) => [
      `saveToken with ${field}`,
      ({ call }: PlannedCall) => call.method === 'saveToken' && call.token[field] !== undefined,
    ]),
  ),
  ...Object.fromEntries(
    (['userName', 'refreshToken'] as const).map((key) => [
      `findToken by ${key}`,
      ({ call }: PlannedCall) => call.method === 'findToken' && call.token[key] !== undefined,
    ]),
  ),
  ...Object.fromEntries(
    (['findTokenById', 'deleteToken'] as const).map((method) => [
      `${method} of an id that is known`,
      ({ call, id }: PlannedCall) => call.method === method && typeof id === 'number',
    ]),
  ),
  getTokens: ({ call }) => call.method === 'getTokens',
  deleteTokens: ({ call }) => call.method === 'deleteTokens',
};

it.each([
  ['random programs', plannedCalls(true), TRAITS],
  [
    'programs that run side by side',
    concurrentCalls(3, 4).map((lanes) => lanes.flat()),
    CONCURRENT_TRAITS,
  ],
])(
  '%s have every call, field, key and option in every twentieth at least',
  (_what, calls, traits) => {
    const programs = fc.sample(calls, { seed: 1, numRuns: 1000 });
    const rare = Object.entries(traits).filter(
      ([, has]) => programs.filter((program) => program.some(has)).length < 50,
    );
    expect(rare.map(([trait]) => trait)).toEqual([]);
  },
);
