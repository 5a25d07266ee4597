import { OAuthToken } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import {
  expect,
  expectConflict,
  expectNull,
  expectOne,
  expectSame,
  idOf,
  recordOf,
  recordsIn,
  versionOf,
} from '../expectations.ts';
import { requireShared } from '../require-shared.ts';
import { runTogether } from '../store-process.ts';

export const versionChecks: readonly Check[] = [
  {
    clause: 'V1',
    title: 'every record has a version from 1 that grows with each save',
    why: 'A program tells by the version whether what it holds is still what is stored.',
    hint: 'version = version + 1 with every update, whatever it changes.',
    async run(context) {
      const store = await context.open();
      const token = context.token();
      let last = 0;
      for (let count = 0; count < 5; count += 1) {
        // The same again, and something new by turns: a save that changes nothing is a save.
        const saved = await store.saveToken(
          count % 2 === 0 ? token : token.with({ scope: context.value('scope') }),
        );
        const version = versionOf(saved);
        expect(version > last, `a version above ${last}`, `it was ${version}`);
        last = version;
      }
    },
  },
  {
    clause: 'V1',
    title: 'every token that is given out carries the version of its record',
    why: 'A token without its version can not be saved with ifVersion.',
    hint: 'Keep the version in the record, and give it out with it.',
    async run(context) {
      const store = await context.open();
      const token = context.token();
      await store.saveToken(token);
      const saved = await store.saveToken(token.with({ scope: 'changed' }));
      const version = versionOf(saved);
      expectSame(
        versionOf(await store.findToken(token), 'what findToken gave'),
        version,
        'the version by findToken',
      );
      expectSame(
        versionOf(await store.findTokenById(idOf(saved)), 'what findTokenById gave'),
        version,
        'the version by findTokenById',
      );
      expectSame(
        versionOf((await store.getTokens())[0], 'what getTokens gave'),
        version,
        'the version by getTokens',
      );
      const stranger = await store.saveToken(context.token({ version: 40 }));
      expect(versionOf(stranger) >= 1, 'a version of its own for a new record', 'it was none');
      expectSame(
        versionOf(await store.findTokenById(idOf(saved))),
        version,
        'the version after a save of another record',
      );
    },
  },
  {
    clause: 'V2',
    title: 'ifVersion saves over that version and over no other, and tells which there is',
    why: 'A process that holds an old token would write it over the new one.',
    hint: 'UPDATE ... WHERE version = ?, and look at how many rows it changed.',
    async run(context) {
      const store = await context.open();
      const token = context.token();
      const first = versionOf(await store.saveToken(token));
      const updated = await store.saveToken(token.with({ scope: 'second' }), { ifVersion: first });
      const second = versionOf(updated);
      expect(second > first, `a version above ${first}`, `it was ${second}`);
      for (const ifVersion of [first, second + 1, 0, Number.MAX_SAFE_INTEGER]) {
        const stale = token.with({ scope: 'stale', accessToken: context.secret('access') });
        await expectConflict(
          store.saveToken(stale, { ifVersion }),
          second,
          `a save with ifVersion: ${ifVersion} over version ${second}`,
        );
        expectSame(
          recordOf(await store.findToken(token)),
          recordOf(updated),
          'the record after it was refused',
        );
      }
      const third = await store.saveToken(token.with({ accessToken: 'third' }), {
        ifVersion: second,
      });
      expectSame(
        recordOf(third)['accessToken'],
        'third',
        'what a save over the right version wrote',
      );
    },
  },
  {
    clause: 'V2',
    title: 'ifVersion: 0 adds where nothing matches, and nothing else does',
    why: 'A program that wants to be the first must learn that it is not.',
    hint: 'Version 0 is that of a record that is not there.',
    async run(context) {
      const store = await context.open();
      const token = context.token();
      await expectConflict(
        store.saveToken(token, { ifVersion: 1 }),
        0,
        'a save over version 1 of what is not there',
      );
      expectSame(await store.getTokens(), [], 'the records after that');
      const added = await store.saveToken(token, { ifVersion: 0 });
      expectSame(
        recordOf(expectOne(await store.getTokens(), 'the list')),
        recordOf(added),
        'the record',
      );
      await expectConflict(
        store.saveToken(token, { ifVersion: 0 }),
        versionOf(added),
        'a second save with ifVersion: 0',
      );
      await store.deleteToken(idOf(added));
      await expectConflict(
        store.saveToken(token, { ifVersion: versionOf(added) }),
        0,
        'a save over the version of a record that was deleted',
      );
      expectNull(await store.findToken(token), 'what is found after that');
    },
  },
  {
    clause: 'V2',
    title: 'a save that ifVersion refuses has absorbed nothing',
    why: 'A save that is refused and has deleted a record all the same has lost a login.',
    hint: 'Compare the version before anything is written, in the same transaction.',
    async run(context) {
      const store = await context.open();
      const user = context.token();
      const refreshToken = context.secret('refresh');
      const saved = await store.saveToken(user);
      await store.saveToken(new OAuthToken({ refreshToken }));
      const before = await recordsIn(store);
      for (const ifVersion of [0, versionOf(saved) + 1]) {
        await expectConflict(
          store.saveToken(user.with({ refreshToken }), { ifVersion }),
          versionOf(saved),
          `a save with ifVersion: ${ifVersion} that would absorb another record`,
        );
        expectSame(await recordsIn(store), before, 'the records after it was refused');
      }
    },
  },
  {
    clause: 'V2',
    title: 'ifVersion is compared at every version, not only at the first ones',
    why: 'A condition that holds for young records only is none for those that are used.',
    hint: 'Never save again without the condition when it did not hold.',
    async run(context) {
      const store = await context.open();
      const token = context.token();
      let version = versionOf(await store.saveToken(token));
      for (let count = 0; count < 40; count += 1) {
        const next = token.with({ scope: context.value('scope') });
        const saved = await store.saveToken(next, { ifVersion: version });
        await expectConflict(
          store.saveToken(token.with({ scope: 'stale' }), { ifVersion: version }),
          versionOf(saved),
          `a save with ifVersion: ${version} over version ${versionOf(saved)}`,
        );
        expectSame(recordOf(await store.findToken(token)), recordOf(saved), 'the record after it');
        version = versionOf(saved);
      }
    },
  },
  {
    clause: 'V3',
    title: 'of concurrent saves with one ifVersion exactly one succeeds, and the record is its own',
    why: 'A refresh token that rotates can be used once: who lost the race must know it.',
    hint: 'Compare and write in one step: WHERE version = ? in the UPDATE, or a lock around both.',
    async run(context) {
      for (let round = 0; round < context.rounds(15, 5); round += 1) {
        await using inner = context.nested();
        const stores = await inner.openMany(3);
        const token = inner.token();
        // By turns over a record, and over none.
        const ifVersion = round % 2 === 0 ? versionOf(await stores[0]?.saveToken(token)) : 0;
        const attempts = Array.from({ length: 8 }, () =>
          token.with({ accessToken: inner.secret('access') }),
        );
        const settled = await Promise.allSettled(
          attempts.map(async (attempt, at) => {
            await inner.interleave();
            return stores[at % stores.length]?.saveToken(attempt, { ifVersion });
          }),
        );
        const codes = settled.map(codeOf);
        expectOneSaved(codes, `how ${attempts.length} saves with ifVersion: ${ifVersion} ended`);
        const won = attempts[codes.indexOf('saved')];
        const only = expectOne((await stores[1]?.getTokens()) ?? [], 'the list');
        expectSame(
          recordOf(only)['accessToken'],
          won?.accessToken,
          'the access token of the record: that of the one that was saved',
        );
      }
    },
  },
  {
    clause: 'V3',
    title: 'of concurrent saves that are equal, their ifVersion too, exactly one succeeds',
    why: 'Each of two calls that succeed thinks that it took the lease, and both refresh.',
    hint: 'Calls that write share nothing, however equal they are.',
    async run(context) {
      const store = await context.open();
      const another = await context.open();
      const token = context.token();
      let ifVersion = versionOf(await store.saveToken(token));
      for (let round = 0; round < context.rounds(15, 5); round += 1) {
        const save = token.with({ accessToken: context.secret('access') });
        const settled = await Promise.allSettled(
          [store, store, another, another].map((handle) => handle.saveToken(save, { ifVersion })),
        );
        const codes = settled.map(codeOf);
        expectOneSaved(codes, `how 4 equal saves with ifVersion: ${ifVersion} ended`);
        ifVersion = versionOf(await store.findToken(token), 'what findToken gave');
      }
    },
  },
  {
    clause: 'V3',
    title: 'of saves with one ifVersion in several processes exactly one succeeds',
    why: 'Workers refresh at the same moment: the one that lost must take what the winner saved.',
    hint: 'A lock within one process does not hold the others; the comparison belongs into the database.',
    async run(context) {
      requireShared(context);
      const store = await context.open();
      const processes = await context.processes(3);
      for (let round = 0; round < context.rounds(10, 4); round += 1) {
        const token = context.token();
        const ifVersion = round % 2 === 0 ? versionOf(await store.saveToken(token)) : 0;
        const programs = processes.map(() =>
          Array.from({ length: 2 }, () => ({
            method: 'saveToken' as const,
            token: token.with({ accessToken: context.secret('access') }).toRecord(),
            options: { ifVersion },
          })),
        );
        const made = await runTogether(processes, programs, 'together');
        const codes = made.map(({ outcome }) => outcome.refused ?? 'saved');
        expectOneSaved(codes, `how 6 saves with ifVersion: ${ifVersion} of 3 processes ended`);
        const won = made[codes.indexOf('saved')]?.call;
        const found = await store.findToken(token);
        expectSame(
          found && recordOf(found)['accessToken'],
          won?.method === 'saveToken' && won.token.accessToken,
          'the access token of the record: that of the one that was saved',
        );
      }
    },
  },
];

/** `saved`, or the code that a save was refused with. */
function codeOf(settled: PromiseSettledResult<unknown>): unknown {
  return settled.status === 'fulfilled' ? 'saved' : Reflect.get(Object(settled.reason), 'code');
}

function expectOneSaved(codes: readonly unknown[], what: string): void {
  const conflicts = Array.from({ length: codes.length - 1 }, () => 'VERSION_CONFLICT');
  expectSame(codes.toSorted(), [...conflicts, 'saved'], what);
}
