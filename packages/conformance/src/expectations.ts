import { inspect, isDeepStrictEqual } from 'node:util';
import {
  AmbiguousTokenError,
  InvalidTokenError,
  type OAuthToken,
  TokenConflictError,
  type TokenInit,
  type TokenRecord,
} from '@tokenkeep/core';
import { causeOfError, codeOf, placeOf, told } from './failure-cause.ts';
import { PromiseBroken } from './promise-broken.ts';
import { show, showDifference } from './show.ts';

/** A record as it is compared: absent fields left out. */
export type PlainRecord = Readonly<Record<string, unknown>>;

/** Whether a value is a record, and not nothing or a list. */
export function isPlainRecord(value: unknown): value is PlainRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The record of what a store gave out, absent fields left out. */
export function recordOf(token: unknown, what = 'a token'): PlainRecord {
  if (
    typeof token !== 'object' ||
    token === null ||
    !('toRecord' in token) ||
    typeof token.toRecord !== 'function'
  ) {
    throw new PromiseBroken(`${what} as an OAuthToken`, `it was ${show(token)}`);
  }
  const record: unknown = token.toRecord();
  if (typeof record !== 'object' || record === null) {
    throw new PromiseBroken(`${what} with a record in it`, `its record was ${show(record)}`);
  }
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value != null));
}

/** The records of all tokens in a store, in its order. */
export async function recordsIn(store: {
  getTokens(): Promise<readonly unknown[]>;
}): Promise<PlainRecord[]> {
  return (await store.getTokens()).map((token) => recordOf(token));
}

/** Their ids. */
export async function idsIn(store: Parameters<typeof recordsIn>[0]): Promise<unknown[]> {
  return (await recordsIn(store)).map(({ id }) => id);
}

/** The fields of a token that say what it holds: all but the id and the version of its record. */
function fieldsOf(token: unknown, what?: string): PlainRecord {
  const { id: _id, version: _version, ...fields } = recordOf(token, what);
  return fields;
}

/** The id of what a store gave out. */
export function idOf(token: unknown, what = 'what saveToken gave'): string {
  const { id } = recordOf(token, what);
  if (typeof id === 'string' && id !== '') return id;
  throw new PromiseBroken(`${what} to have an id that is a string`, `it was ${show(id)}`);
}

/** The version of what a store gave out (V1). */
export function versionOf(token: unknown, what = 'what saveToken gave'): number {
  const { version } = recordOf(token, what);
  if (typeof version === 'number' && Number.isSafeInteger(version) && version >= 1) return version;
  throw new PromiseBroken(
    `${what} to have a version that is an integer from 1`,
    `it was ${show(version)}`,
  );
}

/** @param what the subject of the sentence, such as 'the record that findToken gives' */
export function expectSame(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  const different = showDifference(actual, expected);
  throw new PromiseBroken(`${what} to be ${different.expected}`, `it was ${different.actual}`, {
    hint: hintFor(actual, expected),
  });
}

/** What to put right where that can be told from what came: the hint of a check is about its clause. */
export function hintFor(actual: unknown, expected: unknown): string | undefined {
  return isOtherOrder(actual, expected) ? ORDER : undefined;
}

const ORDER =
  'It is the order that differs: ORDER BY a number that grows with each insert and stays at updates.';

/** Whether two lists have the same in them, in another order. */
function isOtherOrder(actual: unknown, expected: unknown): boolean {
  if (!Array.isArray(actual) || !Array.isArray(expected)) return false;
  const sorted = (list: readonly unknown[]): string[] =>
    list.map((one) => inspect(one, { sorted: true, depth: 6 })).toSorted();
  return actual.length > 1 && isDeepStrictEqual(sorted(actual), sorted(expected));
}

/** That a token holds just these fields, whatever its id and version. */
export function expectFields(token: unknown, expected: TokenInit, what: string): void {
  const { userSignature, ...fields } = expected;
  const wanted: TokenRecord = { ...fields };
  if (userSignature?.name) wanted.userName = userSignature.name;
  expectSame(fieldsOf(token, what), wanted, what);
}

/** That a find gave nothing, and said so with `null`. */
export function expectNull(found: unknown, what: string): void {
  if (found !== null) throw new PromiseBroken(`${what} to be null`, `it was ${show(found)}`);
}

/** That something is the case. */
export function expect(condition: boolean, expected: string, actual: string): asserts condition {
  if (!condition) throw new PromiseBroken(expected, actual);
}

/** That a call is refused with one of these codes. */
export async function expectRefused(
  call: Promise<unknown>,
  codes: string | readonly string[],
  what: string,
): Promise<unknown> {
  const expected = [codes].flat();
  let given: unknown;
  try {
    given = await call;
  } catch (error) {
    if (error instanceof PromiseBroken) throw error;
    const code = codeOf(error);
    if (code !== undefined && expected.includes(code)) {
      expectClassOf(code, error, what);
      return error;
    }
    throw new PromiseBroken(
      `${what} to be refused with the code ${expected.join(' or ')}`,
      `it failed with ${code === undefined ? 'no code: ' : ''}${told(error)}`,
      // An error that no store of ours throws is one thing to put right, whatever it breaks.
      code === undefined ? { cause: causeOfError(error), where: placeOf(error) } : {},
    );
  }
  throw new PromiseBroken(
    `${what} to be refused with the code ${expected.join(' or ')}`,
    `it succeeded and gave ${show(given)}`,
  );
}

/** The classes that the contract names, by their codes: programs ask for either. */
const CLASSES: Readonly<Record<string, abstract new (...args: never) => Error>> = {
  INVALID_TOKEN: InvalidTokenError,
  AMBIGUOUS_TOKEN: AmbiguousTokenError,
  TOKEN_CONFLICT: TokenConflictError,
  VERSION_CONFLICT: TokenConflictError,
};

/** That an error is of the class that belongs to its code. Any copy of core will do. */
function expectClassOf(code: string, error: unknown, what: string): void {
  const { [code]: of } = CLASSES;
  if (of === undefined || error instanceof of) return;
  throw new PromiseBroken(
    `${what} to be refused with an error that is an instance of ${of.name}`,
    `it is none, though its code is ${code}: ${told(error)}`,
    {
      hint: `Throw ${of.name} of @tokenkeep/core, and not another error with its code.`,
      cause: causeOfError(error),
      where: placeOf(error),
    },
  );
}

/** What a call gives; `undefined` where it is refused, as it may be. */
export async function unlessRefused<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof PromiseBroken) throw error;
    return undefined;
  }
}

/** That a call is refused because of the version, and told which there is: 0 where nothing is (V2, V4, V5). */
export async function expectConflict(
  call: Promise<unknown>,
  currentVersion: number,
  what: string,
): Promise<void> {
  const error = await expectRefused(call, 'VERSION_CONFLICT', what);
  expectSame(
    Reflect.get(Object(error), 'currentVersion'),
    currentVersion,
    'currentVersion of the error',
  );
}

/** The one of a list, where there must be just one. */
export function expectOne(tokens: readonly OAuthToken[], what: string): OAuthToken {
  const [only] = tokens;
  if (only !== undefined && tokens.length === 1) return only;
  throw new PromiseBroken(
    `${what} to be one record`,
    `there were ${tokens.length}: ${show(tokens)}`,
  );
}
