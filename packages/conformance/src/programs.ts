import type { ClearableField, JsonObject, SaveOptions, TokenRecord } from '@tokenkeep/core';
import { CLEARABLE_FIELDS } from '@tokenkeep/core/adapter';
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
    redirectUrl: rarely('https://x.example/', 'https://X.example'),
    apiDomain: rarely('https://api.example'),
    tokenType: rarely('Bearer', 'bearer'),
    issuer: rarely('i1', 'i2'),
    resource: rarely('r1', 'r2'),
    lease: rarely('l1'),
    expiresAt: sometimes(fc.constantFrom(1_700_000_000_001, 1_800_000_000_000)),
    extra: sometimes(
      fc.constantFrom<JsonObject>(
        { a: 1 },
        { b: [true, null] },
        { a: null, c: 'x' },
        { b: null, a: { d: 2 } },
      ),
    ),
  })
  .map(present);

/** One of these in two of three. */
function mostly(...values: string[]): fc.Arbitrary<string | undefined> {
  return fc.option(fc.constantFrom(...values), { freq: 3, nil: undefined });
}

/** One of these in every fifth: where each names one, nothing meets. */
function rarely(...values: string[]): fc.Arbitrary<string | undefined> {
  return fc.oneof(
    { arbitrary: fc.constant(undefined), weight: 4 },
    { arbitrary: fc.constantFrom(...values), weight: 1 },
  );
}

/** One of these in every second. `freq: 1` would be none, ever: it is the share of `nil`. */
function sometimes<T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(values, { freq: 2, nil: undefined });
}

/** Calls of every method over a small universe. */
export function plannedCalls(hasVersions: boolean): fc.Arbitrary<PlannedCall[]> {
  const version = fc.oneof(fc.constant('current' as const), fc.constantFrom(1, 2, 99));
  const nothing = fc.constant(undefined);
  const ifVersion = hasVersions ? sometimes(fc.oneof(version, fc.constant(0))) : nothing;
  const ifExists = hasVersions ? fc.constantFrom(undefined, undefined, true, false) : nothing;
  const clear = fc.oneof(
    { arbitrary: nothing, weight: 3 },
    { arbitrary: fc.subarray([...CLEARABLE_FIELDS], { maxLength: 6 }), weight: 1 },
  );
  const id = sometimes(plannedId);
  const save = fc.record({ token, id, ifVersion, ifExists, clear }).map((one) => {
    const options = optionsOf(one.ifExists, one.clear, one.token);
    return planned(
      { method: 'saveToken', token: one.token, ...(options && { options }) },
      one.id,
      one.ifVersion,
    );
  });
  const find = fc
    .record({ token, id })
    .map((one) => planned({ method: 'findToken', token: one.token }, one.id));
  const byId = plannedId.map((one) => planned({ method: 'findTokenById', id: '' }, one));
  const deletion = fc
    .record({ id: plannedId, ifVersion: hasVersions ? sometimes(version) : nothing })
    .map((one) => planned({ method: 'deleteToken', id: '' }, one.id, one.ifVersion));
  const all = fc
    .constantFrom('getTokens' as const, 'deleteTokens' as const)
    .map((method) => planned({ method }));
  const call = fc.oneof(
    { arbitrary: save, weight: 24 },
    { arbitrary: find, weight: 10 },
    { arbitrary: byId, weight: 3 },
    { arbitrary: deletion, weight: 4 },
    { arbitrary: all, weight: 2 },
  );
  return fc.array(call, { maxLength: 20, size: 'max' });
}

/** Fields that the token has are not cleared: that is refused before anything is looked up. */
function optionsOf(
  ifExists: boolean | undefined,
  clear: readonly ClearableField[] | undefined,
  given: TokenRecord,
): SaveOptions | undefined {
  const cleared = clear?.filter(
    (field) => given[field === 'userSignature' ? 'userName' : field] === undefined,
  );
  if (ifExists === undefined && cleared === undefined) return undefined;
  return {
    ...(ifExists === undefined ? {} : { ifExists }),
    ...(cleared === undefined ? {} : { clear: cleared }),
  };
}

function planned(call: Call, id?: PlannedId, ifVersion?: 'current' | number): PlannedCall {
  return {
    call,
    ...(id === undefined ? {} : { id }),
    ...(ifVersion === undefined ? {} : { ifVersion }),
  };
}

function present(record: TokenRecord): TokenRecord {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
