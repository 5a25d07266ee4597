import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type PlannedCall, plannedCalls } from '../src/programs.ts';

/** What a program that is written at random is to have in it, each in every twentieth at least. */
const TRAITS: Readonly<Record<string, (planned: PlannedCall) => boolean>> = {
  ...Object.fromEntries(
    (
      [
        'userName',
        'clientId',
        'clientSecret',
        'grantToken',
        'refreshToken',
        'accessToken',
        'scope',
        'expiresAt',
        'extra',
        'issuer',
        'resource',
        'lease',
      ] as const
    ).flatMap((field) =>
      (['saveToken', 'findToken'] as const).map((method) => [
        `${method} with ${field}`,
        ({ call }: PlannedCall) => call.method === method && call.token[field] !== undefined,
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
    (['userSignature', 'clientId', 'refreshToken', 'expiresAt', 'extra'] as const).map((field) => [
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

it('random programs have every call, field, key and option in every twentieth at least', () => {
  const programs = fc.sample(plannedCalls(true), { seed: 1, numRuns: 1000 });
  const rare = Object.entries(TRAITS).filter(
    ([, has]) => programs.filter((program) => program.some(has)).length < 50,
  );
  expect(rare.map(([trait]) => trait)).toEqual([]);
});
