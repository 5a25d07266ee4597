import { OAuthToken } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import {
  expect,
  expectFields,
  expectNull,
  expectOne,
  expectSame,
  idOf,
  recordOf,
  recordsIn,
  unlessRefused,
} from '../expectations.ts';
import { firstLine } from '../failure-cause.ts';
import type { ObservedStore } from '../observed-store.ts';
import { PromiseBroken, Untested } from '../promise-broken.ts';
import { show } from '../show.ts';

export const findingChecks: readonly Check[] = [
  {
    clause: 'C1',
    title: 'findToken gives the whole record of what it was given a part of',
    why: 'A program that asks by user name needs the tokens, the expiry and the API domain.',
    hint: 'Give out the record, not the token that was asked with.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const saved = await store.saveToken(new OAuthToken(every));
      await store.saveToken(context.token());
      const asked = new OAuthToken({ userSignature: every.userSignature, scope: 'other' });
      const found = await store.findToken(asked);
      expectFields(found, every, 'what findToken gives');
      expectSame(recordOf(found), recordOf(saved), 'the record with its id');
      const again = await store.findToken(saved);
      expect(
        found !== asked && again !== saved,
        'a new token',
        'it was the one that was asked with',
      );
    },
  },
  {
    clause: 'C1',
    title: 'findToken gives null where nothing matches, on an empty store and on others',
    why: 'undefined passes for a token in `found !== null`, and an error for a storage that is broken.',
    hint: 'Return null, not undefined, and do not throw.',
    async run(context) {
      const store = await context.open();
      const stranger = context.token();
      expectNull(await store.findToken(stranger), 'what findToken gives on an empty store');
      const known = await store.saveToken(context.token());
      expectNull(await store.findToken(stranger), 'what findToken gives for a stranger');
      expectNull(
        await store.findToken(new OAuthToken({ id: context.value('id') })),
        'what an unknown id finds',
      );
      await store.deleteToken(idOf(known));
      expectNull(
        await store.findToken(known),
        'what findToken gives for a record that was deleted',
      );
    },
  },
  {
    clause: 'C1',
    title: 'findToken changes nothing',
    why: 'A find that writes makes every read a race.',
    hint: 'Do not keep what was asked with, and do not touch the record.',
    async run(context) {
      const store = await context.open();
      const saved = await store.saveToken(context.token());
      const before = await recordsIn(store);
      await store.findToken(
        new OAuthToken({ id: idOf(saved), accessToken: context.secret('access') }),
      );
      await store.findToken(context.token());
      expectSame(await recordsIn(store), before, 'the records');
    },
  },
  {
    clause: 'C1',
    title: 'storage that is damaged is an error and never "nothing there"',
    why: 'A program that finds nothing logs in again, and writes over what could have been restored.',
    hint: 'Reject with a TokenStoreError when what is stored can not be read: RECORD_CORRUPT, or the code that says why.',
    async run(context) {
      const { definition } = context;
      if (definition.damage === undefined) {
        throw new Untested(
          'the definition has no damage(location), so the kit can not damage what is stored',
        );
      }
      const place = await context.mainPlace();
      const store = await context.open();
      const token = context.token();
      const id = idOf(await store.saveToken(token));
      await store.close();
      await definition.damage(place);
      const reads = ['findToken', 'findTokenById', 'getTokens'] as const;
      for (const method of reads) {
        let given: unknown;
        try {
          const damaged = await context.open();
          given = await damaged.call(
            method,
            ...(method === 'findToken' ? [token] : method === 'findTokenById' ? [id] : []),
          );
        } catch (error) {
          if (error instanceof PromiseBroken) throw error;
          // That is what it has to do; what the error is like is looked at wherever one is seen.
          continue;
        }
        throw new PromiseBroken(`${method} to fail on damaged storage`, `it gave ${show(given)}`);
      }
    },
  },
  {
    clause: 'C1',
    title: 'what writes to damaged storage does not begin anew, through a handle in use either',
    why: 'What could have been restored from the damaged file is written over by the next save.',
    hint: 'Let a write fail where the read before it fails; only a file that is not there is an empty one.',
    async run(context) {
      const { damage } = context.definition;
      if (damage === undefined) {
        throw new Untested(
          'the definition has no damage(location), so the kit can not damage what is stored',
        );
      }
      const token = context.token();
      const other = context.token();
      const writes: readonly [string, (store: ObservedStore, id: string) => Promise<unknown>][] = [
        ['saveToken of another token', (store) => store.saveToken(context.token())],
        ['deleteToken of another record', (store, id) => store.deleteToken(id)],
      ];
      for (const [what, write] of writes) {
        await using inner = context.nested();
        const place = await inner.mainPlace();
        const store = await inner.open();
        const before = await store.saveToken(token);
        const otherId = idOf(await store.saveToken(other));
        await store.findToken(token);
        await damage(place);
        // It may fail, and it may not: not all that is stored need be damaged.
        await unlessRefused(write(store, otherId));
        for (const handle of [store, await inner.open()]) {
          const found = await unlessRefused(handle.findTokenById(idOf(before)));
          if (found === undefined) continue;
          const is = found && recordOf(found);
          const after = `the record that was there before the damage, after ${what}`;
          expectSame(is, recordOf(before), `${after}, if it is found without an error,`);
        }
      }
    },
  },
  {
    clause: 'C2',
    title: 'the id of a record that was absorbed finds nothing',
    why: 'Two ids lead to one record, and who deletes by one of them logs out the other.',
    hint: 'Delete the record that is absorbed, and keep nothing under its id.',
    async run(context) {
      const store = await context.open();
      const user = context.token();
      const refreshToken = context.secret('refresh');
      const kept = idOf(await store.saveToken(user));
      const absorbed = idOf(await store.saveToken(new OAuthToken({ refreshToken })));
      await store.saveToken(user.with({ refreshToken }));
      expectNull(await store.findTokenById(absorbed), 'what the id of an absorbed record finds');
      await store.deleteToken(absorbed);
      const left = expectOne(await store.getTokens(), 'what is left after deleteToken by that id');
      expectSame(idOf(left), kept, 'the id of the record that was kept');
    },
  },
  {
    clause: 'C2',
    title: 'findTokenById gives the record with that id, or null',
    why: 'An id in a session or a job must lead to one record, and after a delete to none.',
    hint: 'Look up by equality, and give null for what is not there.',
    async run(context) {
      const store = await context.open();
      expectNull(
        await store.findTokenById(context.value('id')),
        'what findTokenById gives on an empty store',
      );
      const every = context.everyField();
      const [own, given] = [context.token({ id: context.value('id') }), new OAuthToken(every)];
      const saved = await store.saveToken(given);
      await store.saveToken(own);
      expectFields(await store.findTokenById(idOf(saved)), every, 'the record with the new id');
      const found = await store.findTokenById(own.id ?? '');
      expectSame(
        found && recordOf(found)['refreshToken'],
        own.refreshToken,
        'the refresh token of the record with the given id',
      );
      expectNull(
        await store.findTokenById(context.value('id')),
        'what findTokenById gives for an unknown id',
      );
      await store.deleteToken(idOf(saved));
      expectNull(
        await store.findTokenById(idOf(saved)),
        'what findTokenById gives for a deleted id',
      );
      expectSame(
        await refusalOf(store.findTokenById('toString')),
        'null',
        'what findTokenById gives for "toString"',
      );
      expectSame(
        await refusalOf(store.findTokenById('__proto__')),
        'null',
        'what findTokenById gives for "__proto__"',
      );
    },
  },
];

async function refusalOf(call: Promise<unknown>): Promise<string> {
  try {
    return show(await call);
  } catch (error) {
    return firstLine(error);
  }
}
