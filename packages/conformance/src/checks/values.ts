import {
  type JsonObject,
  type JsonValue,
  MAX_EXTRA_DEPTH,
  MAX_FIELD_BYTES,
  OAuthToken,
  type TokenInit,
} from '@tokenkeep/core';
import type { Check } from '../check.ts';
import { expectFields, expectNull, expectSame, idOf, recordOf } from '../expectations.ts';
import { COLLISIONS } from '../hash-collisions.ts';
import { show } from '../show.ts';

/** What providers and programs put into extra, and what stores make something else of. */
const EXTRAS: Readonly<Record<string, () => JsonObject>> = {
  'null in an object': () => ({ a: { b: null, c: [null, { d: null }] } }),
  'texts that look like dates': () => ({
    at: '2026-11-28T10:00:00.000Z',
    on: '2026-11-28',
    ms: '/Date(1700000000000)/',
    list: ['2026-11-28T10:00:00Z', '10:00:00'],
  }),
  'texts that look like numbers and keywords': () => ({ a: '1', b: '1.0', c: 'true', d: 'null' }),
  'the longest that there can be': () => ({
    a: 'x'.repeat(MAX_FIELD_BYTES - JSON.stringify({ a: '' }).length),
  }),
  'the longest, of characters of three bytes': () => {
    const room = MAX_FIELD_BYTES - JSON.stringify({ a: '' }).length;
    return { a: '漢'.repeat(room / 3) + 'x'.repeat(room % 3) };
  },
  'as many objects in each other as there may be': () =>
    nested(MAX_EXTRA_DEPTH, (inner) => ({ in: inner })),
  'as many lists in each other as there may be': () => ({
    list: nested(MAX_EXTRA_DEPTH - 1, (inner) => [inner]),
  }),
  'three hundred names': () =>
    Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`name-${at}`, at])),
  'empty lists and objects': () => ({
    list: [],
    object: {},
    in: { list: [[]], object: { a: [] } },
  }),
  'numbers of every size': () => ({
    a: 0.1,
    b: -1.5e-7,
    c: 1e21,
    d: 123456789.12345678,
    e: 2 ** 53 - 1,
    f: Number.MAX_VALUE,
    g: -1.5e130,
    h: Number.MIN_VALUE,
    i: 2.5e-140,
  }),
  'names that differ by case and blanks only': () => ({ a: 1, A: 2, 'a ': 3, ' a': 4 }),
};

/** Texts as providers send them, which a store that knows what a field is for may put right. */
const OAUTH_SHAPED: readonly TokenInit[] = [
  { tokenType: 'bearer' },
  { tokenType: 'BEARER' },
  { redirectUrl: 'https://X.com:443/a b/' },
  { redirectUrl: 'https://x.com' },
  { redirectUrl: 'http://localhost:80/../callback?x=1&x=1#' },
  { apiDomain: 'HTTPS://WWW.Example.COM/' },
  { scope: 'write  read read' },
  { scope: 'b,a' },
  { accessToken: 'a%2Fb' },
  { refreshToken: 'a%2fb+c%20d' },
  { grantToken: 'eyJhbGciOiJub25lIn0.e30.' },
  { accessToken: 'YWJj=' },
  { clientId: '00123' },
  { clientSecret: '1e3' },
];

export const valueChecks: readonly Check[] = [
  {
    clause: 'T1',
    title: 'extra comes back whatever its JSON is like: deep, wide, long, with null in it',
    why: 'What a provider will send next year nobody knows.',
    hint: 'Keep the text of JSON.stringify, and give JSON.parse no reviver.',
    async run(context) {
      const store = await context.open();
      for (const [what, extra] of Object.entries(EXTRAS)) {
        const init = { refreshToken: context.secret('refresh'), extra: extra() };
        const saved = await store.saveToken(new OAuthToken(init));
        expectFields(saved, init, `what the save of ${what} gave`);
        expectFields(await store.findTokenById(idOf(saved)), init, `the record with ${what}`);
      }
    },
  },
  {
    clause: 'T1',
    title: 'expiresAt comes back, up to the largest integer there is',
    why: 'Providers say "never" by a very large number.',
    hint: 'Keep expiresAt in 64 bits, and not as a date: dates end in the year 275760, or 9999.',
    async run(context) {
      const store = await context.open();
      for (const expiresAt of [
        Number.MAX_SAFE_INTEGER,
        8_640_000_000_000_001,
        253_402_300_800_000,
        4_294_967_296_000,
        2_147_483_648_001,
      ]) {
        const saved = await store.saveToken(context.token({ expiresAt }));
        const found = recordOf(await store.findTokenById(idOf(saved)));
        expectSame(found['expiresAt'], expiresAt, 'expiresAt');
      }
    },
  },
  {
    clause: 'T4',
    title:
      'what a field is for changes nothing in it: URLs, scopes, types and tokens come back exactly',
    why: 'A provider compares what it gets, byte by byte.',
    hint: 'Keep every string as it is: no new URL().href, no lower case, no decoding, no sorting of scopes.',
    async run(context) {
      const store = await context.open();
      const shaped = [
        ...OAUTH_SHAPED,
        // What looks like ASCII for a kilobyte.
        { accessToken: `${'x'.repeat(1_200)}漢` },
        { refreshToken: `${'y'.repeat(5_000)}😀` },
        { scope: `${'scope '.repeat(300)}ł` },
      ];
      for (const fields of shaped) {
        const init = { ...context.everyField(), ...fields };
        const saved = await store.saveToken(new OAuthToken(init));
        expectFields(
          await store.findTokenById(idOf(saved)),
          init,
          `the record with ${show(fields)}`,
        );
        await store.deleteTokens();
      }
    },
  },
  {
    clause: 'T4',
    title: 'every field of one record is as long as it may be, of characters that JSON escapes',
    why: 'A limit of the record is met by the one user whose provider sends long tokens.',
    hint: 'Find out what a row, a document or a statement may be long at most, and split what is longer.',
    async run(context) {
      const store = await context.open();
      const long = (character: string): string =>
        character.repeat(MAX_FIELD_BYTES / character.length);
      const every = context.everyField();
      const texts = Object.entries(every).filter(([, value]) => typeof value === 'string');
      for (const character of ['\u0001', '"']) {
        const init: TokenInit = context.kept({
          ...every,
          ...Object.fromEntries(texts.map(([field]) => [field, long(character)])),
          userSignature: { name: long(character) },
          extra: EXTRAS['the longest that there can be']?.(),
        });
        const saved = await store.saveToken(new OAuthToken(init));
        const what = `the record with ${JSON.stringify(character)} in every field`;
        expectFields(await store.findTokenById(idOf(saved)), init, what);
        await store.deleteToken(idOf(saved));
      }
    },
  },
  {
    clause: 'M5',
    title: 'keys with the same hash of 32 bits are told apart',
    why: 'Among 77,000 tokens two have the same hash of 32 bits, by chance: then one user gets the token of another.',
    hint: 'Look up by the value, or by a digest of 128 bits or more, and compare the value itself.',
    async run(context) {
      const store = await context.open();
      for (const [hash, one, other] of COLLISIONS) {
        for (const key of ['userName', 'refreshToken', 'accessToken', 'grantToken'] as const) {
          const [first, second] = [one, other].map((text) =>
            OAuthToken.fromRecord(
              key === 'userName'
                ? { userName: text, refreshToken: context.secret('refresh') }
                : { [key]: text },
            ),
          );
          if (first === undefined || second === undefined) continue;
          const id = idOf(await store.saveToken(first));
          const what = `what a ${key} with the same ${hash} hash finds`;
          expectNull(await store.findToken(OAuthToken.fromRecord({ [key]: other })), what);
          const otherId = idOf(await store.saveToken(second));
          for (const [text, wanted] of [
            [one, id],
            [other, otherId],
          ] as const) {
            const found = await store.findToken(OAuthToken.fromRecord({ [key]: text }));
            expectSame(found && idOf(found), wanted, `the id that the ${key} ${text} finds`);
          }
        }
        await store.deleteTokens();
        await store.saveToken(context.token({ id: one }));
        expectNull(await store.findTokenById(other), `what an id with the same ${hash} hash finds`);
        await store.deleteToken(other);
        expectSame((await store.getTokens()).length, 1, 'the number of records after that');
        await store.deleteTokens();
      }
    },
  },
];

function nested<T extends JsonValue>(depth: number, wrap: (inner: JsonValue) => T): T {
  let value = wrap('core');
  for (let level = 1; level < depth; level += 1) value = wrap(value);
  return value;
}
