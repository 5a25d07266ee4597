import type { TokenRecord } from '@tokenkeep/core';
import fc from 'fast-check';
import type { Call } from './calls.ts';

/** An id that is known when the program is written, or the n-th of those that the store gave. */
export type PlannedId = string | number;

/** A call whose id and version are filled in when its turn comes. */
export interface PlannedCall {
  readonly call: Call;
  readonly id?: PlannedId;
  /** `current`: the version that the record has then. */
  readonly ifVersion?: 'current' | number;
}

const plannedId: fc.Arbitrary<PlannedId> = fc.oneof(
  fc.constantFrom('1', '10', '01'),
  fc.nat({ max: 3 }),
);

/** Small pools, so that keys meet: the same texts as tokens of every kind, and names that look alike. */
const token: fc.Arbitrary<TokenRecord> = fc
  .record({
    userName: mostly('ada', 'Ada', 'bob'),
    clientId: mostly('c1', 'c2'),
    clientSecret: mostly('hush'),
    grantToken: mostly('t1', 't2'),
    refreshToken: mostly('t1', 't2', 't3'),
    accessToken: mostly('t1', 't2', 't3'),
    scope: mostly('read', 'write'),
    expiresAt: sometimes(fc.constantFrom(1_700_000_000_001, 1_800_000_000_000)),
    extra: sometimes(fc.constantFrom({ a: 1 }, { b: [true, null] })),
  })
  .map((record) =>
    Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)),
  );

/** One of these in two of three. */
function mostly(...values: string[]): fc.Arbitrary<string | undefined> {
  return fc.option(fc.constantFrom(...values), { freq: 3, nil: undefined });
}

/** One of these in every second. `freq: 1` would be none, ever: it is the share of `nil`. */
function sometimes<T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(values, { freq: 2, nil: undefined });
}

/** Calls of the six methods over a small universe. */
export function plannedCalls(hasVersions: boolean): fc.Arbitrary<PlannedCall[]> {
  const ifVersion = hasVersions
    ? sometimes(fc.oneof(fc.constant('current' as const), fc.constantFrom(0, 1, 2, 99)))
    : fc.constant(undefined);
  const id = sometimes(plannedId);
  const save = fc
    .record({ token, id, ifVersion })
    .map((save) => planned({ method: 'saveToken', token: save.token }, save.id, save.ifVersion));
  const find = fc
    .record({ token, id })
    .map((find) => planned({ method: 'findToken', token: find.token }, find.id));
  const byId = fc
    .record({
      id: plannedId,
      method: fc.constantFrom('findTokenById' as const, 'deleteToken' as const),
    })
    .map(({ id, method }) => planned({ method, id: '' }, id));
  const all = fc
    .constantFrom('getTokens' as const, 'deleteTokens' as const)
    .map((method) => planned({ method }));
  const call = fc.oneof(
    { arbitrary: save, weight: 12 },
    { arbitrary: find, weight: 5 },
    { arbitrary: byId, weight: 3 },
    { arbitrary: all, weight: 1 },
  );
  return fc.array(call, { maxLength: 20, size: 'max' });
}

function planned(call: Call, id?: PlannedId, ifVersion?: 'current' | number): PlannedCall {
  return {
    call,
    ...(id === undefined ? {} : { id }),
    ...(ifVersion === undefined ? {} : { ifVersion }),
  };
}
