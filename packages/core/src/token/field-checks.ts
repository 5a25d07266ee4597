import { InvalidTokenError } from '../errors.ts';

/** A value that JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

/** A JSON object, as in `OAuthToken.extra`. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/** The longest that one field may be: bytes of UTF-8 (contract T4). */
export const MAX_FIELD_BYTES = 65_536;

/**
 * The deepest that `extra` may be nested. Fixed, as the limit of `JSON.parse` depends on the stack
 * of the thread: what one thread saved, another could not read.
 */
export const MAX_EXTRA_DEPTH = 64;

/** What is shown in place of a secret, and never taken for a value (contract T6, T7). */
export const REDACTED = '[redacted]';

const utf8 = new TextEncoder();

const WAS_REDACTED =
  'is what redaction shows and no value: the token went through JSON or a log. Keep it with toRecord() and fromRecord()';

/** A string of the length and form that a field may have; `undefined` where it is absent (T3, T4). */
export function checkString(field: string, value: unknown): string | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw new InvalidTokenError(field, 'must be a string');
  if (value === REDACTED) throw new InvalidTokenError(field, WAS_REDACTED);
  if (!value.isWellFormed()) {
    throw new InvalidTokenError(field, 'is not well-formed Unicode: it has half a surrogate pair');
  }
  if (isTooLong(value)) {
    throw new InvalidTokenError(field, `is longer than ${MAX_FIELD_BYTES} bytes of UTF-8`);
  }
  return value;
}

/** An integer of at least `least`; `undefined` where it is absent. */
export function checkInteger(field: string, value: unknown, least: number): number | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    const bound = least === Number.MIN_SAFE_INTEGER ? '' : ` of at least ${least}`;
    const advice = value instanceof Date ? ': milliseconds since the epoch, date.getTime()' : '';
    throw new InvalidTokenError(field, `must be an integer${bound}${advice}`);
  }
  return value;
}

/** A frozen copy of a JSON object of at most 64 KiB as text; `undefined` where it is absent. */
export function checkExtra(value: unknown): JsonObject | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  if (value === REDACTED) throw new InvalidTokenError('extra', WAS_REDACTED);
  if (!isPlainObject(value)) throw new InvalidTokenError('extra', 'must be a JSON object');
  requireJson(value, 1);
  const text = JSON.stringify(value);
  if (isTooLong(text)) {
    throw new InvalidTokenError('extra', `is longer than ${MAX_FIELD_BYTES} bytes as JSON text`);
  }
  return JSON.parse(text, (_name, part) => Object.freeze(part));
}

/** Whether a value is an object as literals and `JSON.parse` make them. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function isTooLong(text: string): boolean {
  // No UTF-16 unit takes more than three bytes, so most strings need not be encoded to know.
  return text.length * 3 > MAX_FIELD_BYTES && utf8.encode(text).length > MAX_FIELD_BYTES;
}

function requireJson(value: unknown, depth: number): void {
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'string') {
    if (value.isWellFormed()) return;
    throw new InvalidTokenError('extra', 'holds a string that is not well-formed Unicode');
  }
  if (typeof value === 'number' && Number.isFinite(value)) return;
  // A cycle ends here, too.
  if (depth > MAX_EXTRA_DEPTH) {
    throw new InvalidTokenError('extra', `is nested more than ${MAX_EXTRA_DEPTH} deep`);
  }
  if (Array.isArray(value)) {
    for (const item of value) requireJson(item, depth + 1);
  } else if (isPlainObject(value) && typeof value['toJSON'] !== 'function') {
    for (const [name, item] of Object.entries(value)) {
      requireJson(name, depth);
      requireJson(item, depth + 1);
    }
  } else {
    throw new InvalidTokenError('extra', 'holds a value that JSON can not hold');
  }
}
