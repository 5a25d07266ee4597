import type { JsonValue } from './field-checks.ts';
import { RECORD_FIELDS, type TokenRecord } from './token-fields.ts';

/** Whether two records have the same fields with the same values; the order in `extra` is no part of it. */
export function isSameRecord(a: TokenRecord, b: TokenRecord): boolean {
  return RECORD_FIELDS.every((field) =>
    field === 'extra'
      ? canonicalJson(a.extra ?? null) === canonicalJson(b.extra ?? null)
      : (a[field] ?? null) === (b[field] ?? null),
  );
}

/** Random in each process, so that a fingerprint tells nobody what it was made of. */
let seed: number | undefined;

/**
 * A text that is the same for the same fields and values, and within one process only. Different
 * records have the same one time in 2^53.
 */
export function fingerprintOf(record: TokenRecord): string {
  seed ??= crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const fields = RECORD_FIELDS.map((field) => record[field] ?? null);
  const text = canonicalJson(fields);
  // cyrb53: two FNV-like halves that are mixed at the end. Synchronous, which Web Crypto is not.
  let high = 0xdeadbeef ^ seed;
  let low = 0x41c6ce57 ^ seed;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 2_654_435_761);
    low = Math.imul(low ^ unit, 1_597_334_677);
  }
  high =
    Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low =
    Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return (4_294_967_296 * (2_097_151 & low) + (high >>> 0)).toString(36);
}

/** JSON with the names of each object in one order. */
function canonicalJson(value: JsonValue | readonly unknown[]): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
