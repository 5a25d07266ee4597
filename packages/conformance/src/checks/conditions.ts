import { OAuthToken } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import type { CheckContext } from '../check-context.ts';
import {
  expect,
  expectConflict,
  expectNull,
  expectOne,
  expectRefused,
  expectSame,
  idOf,
  recordOf,
  recordsIn,
  versionOf,
} from '../expectations.ts';
import { inParallel } from '../in-parallel.ts';
import { atAnotherTime } from '../moved-clock.ts';
import type { ObservedStore } from '../observed-store.ts';
import { show } from '../show.ts';

/** How a record goes, so that its id can be used again. */
const REMOVALS: Readonly<
  Record<
    string,
    (store: ObservedStore, record: OAuthToken, context: CheckContext) => Promise<unknown>
  >
> = {
  deleteToken: (store, record) => store.deleteToken(idOf(record)),
  deleteTokens: (store) => store.deleteTokens(),
  'being absorbed': async (store, record, context) => {
    const keeper = context.token();
    await store.saveToken(keeper);
    return store.saveToken(keeper.with({ refreshToken: record.refreshToken }));
  },
};

/** How many others are deleted after a record. */
const DELETED = 300;
const MONTH = 31 * 24 * 3_600_000;

export const conditionChecks: readonly Check[] = [
  ...Object.entries(REMOVALS).map(
    ([how, remove]): Check => ({
      clause: 'V1',
      title: `a version does not come again for an id, after ${how}`,
      why: 'A save over version 1 of what was deleted would hit version 1 of what came after it.',
      hint: 'Keep the highest version that a removed record had, and begin above it under an id of the caller.',
      async run(context) {
        // Whoever removes it and whoever adds it again have a handle of their own.
        const [store, another] = [await context.open(), await context.open()];
        const id = context.value('id');
        let last = 0;
        for (let round = 0; round < 4; round += 1) {
          const save = (handle: ObservedStore): Promise<OAuthToken> =>
            handle.saveToken(new OAuthToken({ id, refreshToken: context.secret('refresh') }));
          let record = await save(another);
          const first = versionOf(record);
          expect(
            first > last,
            `a version above ${last} for an id that was used before`,
            `it was ${first}`,
          );
          for (let count = 0; count < round; count += 1) record = await store.saveToken(record);
          const stale = record.with({ scope: 'stale' });
          const ifVersion = versionOf(record);
          await remove(store, record, context);
          expectNull(await store.findTokenById(id), `what the id finds after ${how}`);
          const again = await save(round % 2 === 0 ? another : store);
          await expectRefused(
            store.saveToken(stale, { ifVersion }),
            'VERSION_CONFLICT',
            'a save over the version of a record that is gone, of which there is another by now',
          );
          last = versionOf(again);
          await store.deleteToken(id);
        }
      },
    }),
  ),
  {
    clause: 'V1',
    title: 'a version does not come again for an id, a month and many deletes later',
    why: 'A process that slept over the weekend writes over what it never saw.',
    hint: 'What is remembered of removed records is kept for ever: one number for all of them is enough.',
    async run(context) {
      const store = await context.open();
      const token = context.token({ id: context.value('id') });
      for (let count = 0; count < 3; count += 1) await store.saveToken(token);
      const last = versionOf(await store.findToken(token), 'what findToken gave');
      await store.deleteToken(token.id ?? '');
      const others = Array.from({ length: Math.max(30, context.rounds(DELETED, 30)) }, () =>
        context.token({ id: context.value('id') }),
      );
      await inParallel(others, async (other) => {
        await store.saveToken(other);
      });
      await store.deleteTokens();
      await atAnotherTime(MONTH, async () => {
        const again = versionOf(await store.saveToken(token));
        expect(
          again > last,
          `a version above ${last} for an id that was used before ${others.length} others were deleted`,
          `it was ${again}`,
        );
      });
    },
  },
  {
    clause: 'V4',
    title: 'deleteToken with ifVersion removes the record if it has that version, and else nothing',
    why: 'A logout because of an old token would log out who has just logged in again.',
    hint: 'DELETE ... WHERE id = ? AND version = ?, and look at how many rows went.',
    async run(context) {
      const store = await context.open();
      const bystander = await store.saveToken(context.token());
      const token = context.token();
      const first = await store.saveToken(token);
      const second = await store.saveToken(token.with({ scope: 'second' }));
      const id = idOf(second);
      const version = versionOf(second);
      for (const ifVersion of [versionOf(first), version + 1, Number.MAX_SAFE_INTEGER]) {
        await expectConflict(
          store.deleteToken(id, { ifVersion }),
          version,
          `deleteToken with ifVersion: ${ifVersion} of version ${version}`,
        );
        expectSame(
          recordOf(await store.findTokenById(id)),
          recordOf(second),
          'the record after it',
        );
      }
      await store.deleteToken(id, { ifVersion: version });
      expectNull(await store.findTokenById(id), 'the record that had that version');
      expectNull(await store.findToken(token), 'what its keys find');
      await expectConflict(
        store.deleteToken(id, { ifVersion: version }),
        0,
        'deleteToken with ifVersion of what is gone',
      );
      await store.deleteToken(id);
      for (const options of [
        { ifVersion: '1' },
        { ifVersion: 0 },
        { ifversion: 1 },
        { ifVersion: undefined },
        1,
      ]) {
        await expectRefused(
          store.call('deleteToken', idOf(bystander), options),
          'INVALID_TOKEN',
          `deleteToken(id, ${show(options)})`,
        );
      }
      expectSame(await recordsIn(store), [recordOf(bystander)], 'the records after all that');
    },
  },
  {
    clause: 'V4',
    title: 'of a delete and saves with one ifVersion at once exactly one succeeds',
    why: 'A logout and a refresh that both think that they came first leave a login that nobody wanted, or none.',
    hint: 'Compare and delete in one step.',
    async run(context) {
      for (let round = 0; round < context.rounds(15, 5); round += 1) {
        await using inner = context.nested();
        const stores = await inner.openMany(3);
        const token = inner.token();
        const saved = await stores[0]?.saveToken(token);
        const ifVersion = versionOf(saved);
        const settled = await Promise.allSettled(
          Array.from({ length: 6 }, async (_, at) => {
            await inner.interleave();
            const store = stores[at % stores.length];
            return at % 2 === 0
              ? store?.deleteToken(idOf(saved), { ifVersion })
              : store?.saveToken(token.with({ scope: inner.value('scope') }), { ifVersion });
          }),
        );
        const won = settled.flatMap(({ status }, at) => (status === 'fulfilled' ? [at] : []));
        expectSame(won.length, 1, `how many of 6 calls with ifVersion: ${ifVersion} succeeded`);
        const left = (await stores[1]?.getTokens()) ?? [];
        expectSame(
          left.length,
          (won[0] ?? 0) % 2,
          'the number of records that are left after that',
        );
      }
    },
  },
  {
    clause: 'V5',
    title: 'ifExists: true updates a record and never adds one',
    why: 'A refresh that ends after the logout would bring the login back.',
    hint: 'Where nothing matches, refuse with VERSION_CONFLICT and currentVersion: 0.',
    async run(context) {
      const store = await context.open();
      const token = context.token();
      const refuse = async (what: string): Promise<void> => {
        for (const ifVersion of [undefined, 0, 1]) {
          const options = { ifExists: true, ...(ifVersion !== undefined && { ifVersion }) };
          const named = token.with({ id: context.value('id') });
          const saving = store.saveToken(named, options);
          await expectConflict(saving, 0, `a save under an id with ${show(options)} ${what}`);
        }
        const saving = store.saveToken(token, { ifExists: true });
        await expectConflict(saving, 0, `a save with ifExists: true ${what}`);
        expectSame(await store.getTokens(), [], `the records after a save ${what}`);
      };
      await refuse('of what was never saved');
      const added = await store.saveToken(token, { ifExists: false });
      const updated = await store.saveToken(token.with({ accessToken: 'updated' }), {
        ifExists: true,
      });
      expectSame(idOf(updated), idOf(added), 'the id after an update with ifExists: true');
      const only = expectOne(await store.getTokens(), 'the list');
      expectSame(recordOf(only)['accessToken'], 'updated', 'the access token after that');
      await store.deleteToken(idOf(added));
      await refuse('of what was deleted');
      await expectRefused(
        store.call('saveToken', token, { ifExists: 'yes' }),
        'INVALID_TOKEN',
        "a save with ifExists: 'yes'",
      );
    },
  },
  {
    clause: 'V5',
    title: 'saves with ifExists: true beside a delete do not bring the record back',
    why: 'A logout beside a refresh has to win: there is nothing after it that could take the login away again.',
    hint: 'Look for the record and write it in one step.',
    async run(context) {
      for (let round = 0; round < context.rounds(20, 8); round += 1) {
        await using inner = context.nested();
        const stores = await inner.openMany(2);
        const token = inner.token();
        const id = idOf(await stores[0]?.saveToken(token));
        // Each of them could add a record: by the id, by the user, and by a token alone.
        const { refreshToken } = token;
        const meant = [token.with({ id }), token, new OAuthToken({ refreshToken }), token];
        const saves = meant.map(async (one, at) => {
          await inner.interleave();
          return stores[at % 2]?.saveToken(one.with({ scope: inner.value('scope') }), {
            ifExists: true,
          });
        });
        await inner.interleave();
        const deleting = stores[1]?.deleteToken(id);
        for (const one of await Promise.allSettled([...saves, deleting])) {
          if (one.status === 'fulfilled') continue;
          const code: unknown = Reflect.get(Object(one.reason), 'code');
          expectSame(code, 'VERSION_CONFLICT', 'what a save beside the delete was refused with');
        }
        expectSame(await stores[0]?.getTokens(), [], 'the records after the delete');
      }
    },
  },
];
