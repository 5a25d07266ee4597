import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  type JsonObject,
  type JsonValue,
  type StoredRecord,
  TokenStoreError,
} from '@tokenkeep/core';
import { type BrokenStore, broken } from './broken-store.ts';
import { folded } from './matching.ts';

/** Changes a record before it is kept. */
const kept = (change: (record: StoredRecord) => object) => ({
  rules: { kept: (record: StoredRecord): StoredRecord => ({ ...record, ...change(record) }) },
});

/** Changes `extra` before it is kept, where there is one. */
const keptExtra = (change: (extra: JsonObject) => unknown) =>
  kept(({ extra }) => (extra == null ? {} : { extra: change(extra) }));

const revived = (extra: JsonObject, revive: (value: unknown) => unknown): unknown =>
  JSON.parse(JSON.stringify(extra), (_name, value) => revive(value));

/** What is nested deeper than that becomes an empty object. */
function cutBelow(depth: number, value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return {};
  if (isList(value)) return value.map((part) => cutBelow(depth - 1, part));
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name, cutBelow(depth - 1, part)]),
  );
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

export const valueFaults: readonly BrokenStore[] = [
  broken(
    'T1',
    'drops what is null inside of extra',
    keptExtra((extra) => revived(extra, (value) => (value === null ? undefined : value))),
  ),
  broken(
    'T1',
    'makes dates of texts in extra that look like some',
    keptExtra((extra) =>
      revived(extra, (value) =>
        typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) ? new Date(value) : value,
      ),
    ),
  ),
  broken(
    'T1',
    'keeps 256 names of extra',
    keptExtra((extra) => Object.fromEntries(Object.entries(extra).slice(0, 256))),
  ),
  broken(
    'T1',
    'keeps extra 32 levels deep',
    keptExtra((extra) => cutBelow(32, extra)),
  ),
  broken('T1', 'has no room for extra of just 64 KiB', {
    rules: {
      kept: (record) => {
        if (JSON.stringify(record.extra ?? null).length < 65_536) return record;
        throw new TokenStoreError('STORAGE_FULL', 'There is no room.');
      },
    },
  }),
  broken(
    'T1',
    'keeps expiresAt as a date',
    kept(({ expiresAt }) => {
      const time = expiresAt == null ? Number.NaN : new Date(expiresAt).getTime();
      return Number.isNaN(time) ? { expiresAt: undefined } : { expiresAt: time };
    }),
  ),
  broken(
    'T1',
    'keeps expiresAt in seconds of 32 bits, and the rest beside',
    kept(({ expiresAt }) =>
      expiresAt == null ? {} : { expiresAt: Math.min(expiresAt, 4_294_967_295_999) },
    ),
  ),
  broken(
    'T4',
    'writes the token type as the RFC does',
    kept(({ tokenType }) => (tokenType?.toLowerCase() === 'bearer' ? { tokenType: 'Bearer' } : {})),
  ),
  broken(
    'T4',
    'puts URLs into their normal form',
    kept(({ redirectUrl }) =>
      redirectUrl != null && URL.canParse(redirectUrl)
        ? { redirectUrl: new URL(redirectUrl).href }
        : {},
    ),
  ),
  broken(
    'T4',
    'takes the escapes out of an access token',
    kept(({ accessToken }) =>
      /^\w*%2F\w*$/.test(accessToken ?? '')
        ? { accessToken: decodeURIComponent(accessToken ?? '') }
        : {},
    ),
  ),
  broken(
    'T4',
    'keeps each word of a scope once',
    kept(({ scope }) =>
      /^[a-z ]+$/.test(scope ?? '') ? { scope: [...new Set(scope?.split(' '))].join(' ') } : {},
    ),
  ),
  broken(
    'T4',
    'takes for Latin-1 what begins with a kilobyte of it',
    kept(({ accessToken }) =>
      /^[ -~]{1024}/.test(accessToken ?? '')
        ? { accessToken: Buffer.from(accessToken ?? '', 'latin1').toString('latin1') }
        : {},
    ),
  ),
  broken('M5', 'finds by CRC-32', { rules: folded((text) => String(crc32(text))) }),
  broken('M5', 'finds by the first 32 bits of SHA-256', {
    rules: folded((text) => createHash('sha256').update(text).digest('hex').slice(0, 8)),
  }),
  broken('M5', 'compares ids by a hash of 32 bits', {
    rules: { isSameId: (wanted, id) => hash31(wanted) === hash31(id) },
  }),
];

/** As `String.hashCode` of Java. */
function hash31(text: string): number {
  let hash = 0;
  for (const byte of Buffer.from(text)) hash = (Math.imul(hash, 31) + byte) | 0;
  return hash;
}
