import { inspect } from 'node:util';
import { OAuthToken } from '@tokenkeep/core';
import { STRING_FIELDS } from '@tokenkeep/core/adapter';
import type { Check } from '../check.ts';
import {
  expect,
  expectFields,
  expectNull,
  expectOne,
  expectRefused,
  expectSame,
  idOf,
  recordOf,
  recordsIn,
} from '../expectations.ts';
import { iterated } from '../iterated.ts';
import { leakIn } from '../leaks.ts';
import { PromiseBroken } from '../promise-broken.ts';
import { show } from '../show.ts';

const ABSENT = ['', null, undefined];

/** What a caller in JavaScript may pass where a string is meant. */
const NOT_STRINGS: readonly unknown[] = [
  undefined,
  null,
  0,
  1,
  true,
  ['1'],
  { $ne: null },
  { $gt: '' },
  Buffer.from('1'),
  Object('1'),
  '',
];

export const tokenChecks: readonly Check[] = [
  {
    clause: 'T1',
    title: 'every field that a token can have comes back as it was saved',
    why: 'A field that is lost is found missing when a refresh fails, long after the login.',
    hint: 'Store what token.toRecord() gives, whole, and give out OAuthToken.fromRecord(record).',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const saved = await store.saveToken(new OAuthToken(every));
      expectFields(await store.findTokenById(idOf(saved)), every, 'the record found by its id');
      expectFields(await store.findToken(saved), every, 'the record found by the token');
      expectFields(expectOne(await store.getTokens(), 'the list'), every, 'the record in the list');
    },
  },
  {
    clause: 'T1',
    title: 'expiresAt comes back to the millisecond',
    why: 'An expiry in other units, or rounded, makes tokens expire too early, too late, or in 1970.',
    hint: 'Keep expiresAt as an integer of 64 bits: milliseconds since the epoch, not seconds, not a date.',
    async run(context) {
      const store = await context.open();
      for (const expiresAt of [
        Number.MIN_SAFE_INTEGER,
        -1,
        0,
        100_000_000_000,
        1_700_000_000_001,
        Number.MAX_SAFE_INTEGER,
      ]) {
        const saved = await store.saveToken(context.token({ expiresAt }));
        const found = await store.findTokenById(idOf(saved));
        expectSame(recordOf(found)['expiresAt'], expiresAt, 'expiresAt');
      }
    },
  },
  {
    clause: 'T1',
    title: 'extra comes back with every name and value of its JSON',
    why: 'Providers put what their next version needs into extra fields.',
    hint: 'Keep extra as JSON text, not as columns, and do not merge it into an object of your own.',
    async run(context) {
      const store = await context.open();
      const extra = JSON.parse(
        '{"a":1,"b":"é😀","c":[1,[2,{}],null,true],"d":{"e":{"f":1.5e-7}},"":"empty","a.b":"dot","$c":"dollar","__proto__":{"own":1},"constructor":2,"z":9007199254740991,"big":1e21,"nul":"a\\u0000b"}',
      );
      const large = { text: 'x'.repeat(60_000) };
      for (const given of [extra, large, {}]) {
        const init = { refreshToken: context.secret('refresh'), extra: given };
        const saved = await store.saveToken(new OAuthToken(init));
        expectFields(await store.findTokenById(idOf(saved)), init, 'the record');
      }
    },
  },
  {
    clause: 'T2',
    title: 'what is done to a token that was given out changes neither it nor the store',
    why: 'A token that one part of a program changes would log in another part as someone else.',
    hint: 'Give out tokens of @tokenkeep/core: OAuthToken.fromRecord(record).',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const saved = await store.saveToken(new OAuthToken(every));
      const before = recordOf(saved);
      for (const [what, token] of [
        ['saveToken', saved],
        ['findToken', await store.findToken(saved)],
        ['findTokenById', await store.findTokenById(idOf(saved))],
        ['getTokens', (await store.getTokens())[0]],
        ...(await iterated(context, store)).map((one) => ['tokens', one] as const),
      ] as const) {
        const given = `the token that ${what} gave`;
        if (token == null) throw new PromiseBroken(given, 'there was none');
        for (const name of ['accessToken', 'refreshToken', 'userSignature', 'extra', 'id']) {
          attempt(() => Reflect.set(token, name, 'changed'));
          attempt(() => Reflect.deleteProperty(token, name));
        }
        for (const part of [token.extra, token.userSignature]) {
          attempt(() => part !== undefined && Reflect.set(part, 'name', 'changed'));
        }
        expectSame(recordOf(token), before, `${given} after its fields were assigned to`);
        expect(typeof token.with === 'function', `a method with of ${given}`, 'there is none');
        const { expiresAt: _, ...withoutExpiry } = before;
        const changed = token.with({ accessToken: 'another' });
        expectSame(recordOf(token), before, `${given} after with() gave a changed copy`);
        expectSame(
          recordOf(changed),
          { ...withoutExpiry, accessToken: 'another' },
          'the changed copy',
        );
      }
      expectFields(await store.findTokenById(idOf(saved)), every, 'the record');
    },
  },
  {
    clause: 'T3',
    title: 'a field that is null, undefined or "" is absent: it erases nothing and finds nothing',
    why: 'A refresh answers without a refresh token: a store that writes the gap down logs the user out.',
    hint: 'Leave absent fields out of updates, and never look up an empty value.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const saved = await store.saveToken(new OAuthToken(every));
      for (const absent of ABSENT) {
        await store.saveToken(
          new OAuthToken({
            ...Object.fromEntries(STRING_FIELDS.map((field) => [field, absent])),
            userSignature: every.userSignature,
            clientId: every.clientId,
          }),
        );
        expectFields(
          await store.findTokenById(idOf(saved)),
          every,
          'the record after a save with absent fields',
        );
        const nothing = {
          userSignature: { name: absent },
          refreshToken: absent,
          accessToken: absent,
        };
        expectNull(
          await store.findToken(new OAuthToken(nothing)),
          'what a token with absent keys finds',
        );
      }
    },
  },
  {
    clause: 'T3',
    title: 'fields that were never given are undefined in what comes back',
    why: 'A program that asks `if (token.refreshToken !== undefined)` is led on by an empty text.',
    hint: 'Leave fields out of the record where the column is NULL.',
    async run(context) {
      const store = await context.open();
      const saved = await store.saveToken(
        new OAuthToken({ accessToken: context.secret('access') }),
      );
      const found = await store.findTokenById(idOf(saved));
      const record = recordOf(found);
      const { id: _id, version: _version, ...rest } = record;
      expectSame(Object.keys(rest), ['accessToken'], 'the fields that the record has');
      for (const name of [
        'refreshToken',
        'userSignature',
        'clientId',
        'expiresAt',
        'extra',
      ] as const) {
        expectSame(found?.[name], undefined, name);
      }
    },
  },
  {
    clause: 'T3',
    title: 'two records without a user, or without a client, are two records',
    why: 'An empty user that counts as a user makes all tokens without one overwrite each other.',
    hint: 'Keep NULL for what is absent, not an empty text, in columns that are unique too.',
    async run(context) {
      const store = await context.open();
      const [a, b] = [context.secret('refresh'), context.secret('refresh')];
      await store.saveToken(
        new OAuthToken({ refreshToken: a, userSignature: { name: '' }, clientId: '' }),
      );
      await store.saveToken(
        new OAuthToken({ refreshToken: b, userSignature: { name: '' }, clientId: '' }),
      );
      expectSame(
        (await recordsIn(store)).map(({ refreshToken }) => refreshToken),
        [a, b],
        'the refresh tokens',
      );
    },
  },
  {
    clause: 'T5',
    title: 'an id that is no string is refused, and nothing is deleted',
    why: 'An object such as { $ne: null } that reaches a driver is a query: it matches every record.',
    hint: 'Check typeof id === "string" and that it is not empty before anything else.',
    async run(context) {
      const store = await context.open();
      const token = context.token({ id: '1' });
      const saved = await store.saveToken(token);
      for (const wrong of NOT_STRINGS) {
        for (const method of ['findTokenById', 'deleteToken'] as const) {
          await expectRefused(
            store.call(method, wrong),
            'INVALID_TOKEN',
            `${method}(${show(wrong)})`,
          );
        }
      }
      expectSame(
        recordOf(await store.findTokenById('1')),
        recordOf(saved),
        'the record after all that',
      );
    },
  },
  {
    clause: 'T5',
    title: 'what is no token is refused, and nothing is stored',
    why: 'A plain object goes round all the checks that a token has been through.',
    hint: 'Begin findToken and saveToken with OAuthToken.from(token), which refuses everything else.',
    async run(context) {
      const store = await context.open();
      await store.saveToken(context.token());
      const plain = { userSignature: { name: { $ne: null } }, refreshToken: { $gt: '' } };
      const wrong = [
        undefined,
        null,
        'text',
        1,
        true,
        {},
        [],
        plain,
        { id: 1 },
        { toRecord: () => plain },
      ];
      for (const given of wrong) {
        for (const method of ['findToken', 'saveToken'] as const) {
          await expectRefused(
            store.call(method, given),
            'INVALID_TOKEN',
            `${method}(${show(given)})`,
          );
        }
      }
      expectSame((await store.getTokens()).length, 1, 'the number of records after all that');
    },
  },
  {
    clause: 'T6',
    title: 'a token that was given out does not show its secrets',
    why: 'Tokens end up in logs, error reports and traces, and whoever reads those can use them.',
    hint: 'Give out tokens of @tokenkeep/core: OAuthToken.fromRecord(record).',
    async run(context) {
      const store = await context.open();
      const saved = await store.saveToken(new OAuthToken(context.everyField()));
      const found = await store.findToken(saved);
      for (const [where, given] of [
        ['what saveToken gave', saved],
        ['what findToken gave', found],
        ['what findTokenById gave', await store.findTokenById(idOf(saved))],
        ['what getTokens gave', await store.getTokens()],
        ['what tokens gave', await iterated(context, store)],
      ] as const) {
        const leak = leakIn(given, context.secrets);
        if (leak !== undefined)
          throw new PromiseBroken(`${where} to keep its secrets`, `they show: ${leak}`);
      }
    },
  },
  {
    clause: 'T6',
    title: 'the store itself does not show secrets when it is inspected',
    why: 'A program that logs its context logs the store in it.',
    hint: 'Keep records and options in #private fields.',
    async run(context) {
      const store = await context.open();
      await store.saveToken(new OAuthToken(context.everyField()));
      await store.getTokens();
      for (const [way, text] of [
        ['util.inspect', inspect(store.raw, { depth: 8 })],
        ['util.inspect with showHidden', inspect(store.raw, { depth: 8, showHidden: true })],
        ['JSON.stringify', jsonOf(store.raw)],
        ['String()', String(store.raw)],
      ] as const) {
        const shown = [...context.secrets].some((secret) => text.includes(secret));
        expect(!shown, `${way} of the store to show no secret`, 'it shows some');
      }
    },
  },
  {
    clause: 'T6',
    title: 'no call prints a secret, whether it ends well or not',
    why: 'What is printed stands in a log, and whoever reads that can use it.',
    hint: 'Print no record, no statement with its values and no error of a driver.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const saved = await store.saveToken(new OAuthToken(every));
      await store.saveToken(saved.with({ accessToken: context.secret('access') }));
      await store.findToken(saved);
      await store.findTokenById(idOf(saved));
      const another = { ...context.everyField(), userSignature: every.userSignature };
      await store.saveToken(new OAuthToken(another));
      const { userSignature } = every;
      // What is printed is looked at by whoever runs the check, whatever check it is.
      for (const refused of [
        () => store.saveToken(new OAuthToken({ userSignature, refreshToken: every.refreshToken })),
        () => store.findToken(new OAuthToken({ userSignature })),
        () => store.saveToken(new OAuthToken({ ...another, id: idOf(saved) })),
      ]) {
        await refused().catch(() => undefined);
      }
      await store.deleteToken(idOf(saved));
      await store.getTokens();
      await store.deleteTokens();
    },
  },
];

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    // A driver with cycles in it can't be written out at all.
    return '';
  }
}

/** Does what may throw or do nothing: core says what to do instead. */
function attempt(work: () => unknown): void {
  try {
    work();
  } catch {
    // One is as good as the other.
  }
}
