import { OAuthToken } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import {
  expectFields,
  expectNull,
  expectSame,
  idOf,
  idsIn,
  recordOf,
  recordsIn,
} from '../expectations.ts';
import { inParallel } from '../in-parallel.ts';
import { iterated } from '../iterated.ts';
import { TOKEN_KEYS } from '../keys.ts';

export const deletingChecks: readonly Check[] = [
  {
    clause: 'C9',
    title: 'deleteToken removes that record and no other, by exactly that id',
    why: 'Logging one user out must not log out another.',
    hint: 'WHERE id = ?, not LIKE, not a prefix, not a number.',
    async run(context) {
      const store = await context.open();
      const ids = [
        '1',
        '01',
        '10',
        '100',
        '1 ',
        ' 1',
        '1\n',
        '1.0',
        '+1',
        'a',
        'A',
        'a*',
        'a%',
        'ab',
      ];
      for (const id of ids) await store.saveToken(context.token({ id }));
      const left = new Set(ids);
      for (const id of ids) {
        await store.deleteToken(id);
        left.delete(id);
        expectNull(await store.findTokenById(id), 'the record that was deleted');
        const found = await idsIn(store);
        expectSame(found, [...left], 'the ids that are left');
      }
    },
  },
  {
    clause: 'C9',
    title: 'deleteToken does nothing where there is no such record, again and again',
    why: 'Two processes that log the same user out both do right.',
    hint: 'That nothing was deleted is no error.',
    async run(context) {
      const store = await context.open();
      await store.deleteToken(context.value('id'));
      const kept = await store.saveToken(context.token());
      const gone = idOf(await store.saveToken(context.token()));
      for (const id of [gone, gone, context.value('id'), '1', '*', '%'])
        await store.deleteToken(id);
      expectSame(await recordsIn(store), [recordOf(kept)], 'the records');
    },
  },
  {
    clause: 'C9',
    title: 'no key finds a record that was deleted, and its keys are free again',
    why: 'An index that still leads to a deleted record brings the login back, or keeps the user from a new one.',
    hint: 'Delete what leads to the record together with the record.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const id = idOf(await store.saveToken(new OAuthToken(every)));
      await store.deleteToken(id);
      for (const name of ['userSignature', 'grantToken', 'refreshToken', 'accessToken'] as const) {
        expectNull(
          await store.findToken(new OAuthToken({ [name]: every[name] })),
          `what the ${name} of a deleted record finds`,
        );
      }
      const again = await store.saveToken(new OAuthToken(every));
      expectFields(await store.findTokenById(idOf(again)), every, 'the record that was saved anew');
    },
  },
  {
    clause: 'C9',
    title: 'a record that is added again under its id has nothing of the one that was deleted',
    why: 'The scope, or the client secret, of a login that is gone comes back.',
    hint: 'Remove the whole record: no mark that says deleted, with the fields left in place.',
    async run(context) {
      const store = await context.open();
      const id = context.value('id');
      for (const how of ['deleteToken', 'deleteTokens'] as const) {
        await store.saveToken(new OAuthToken({ ...context.everyField(), id }));
        if (how === 'deleteToken') await store.deleteToken(id);
        else await store.deleteTokens();
        const init = { refreshToken: context.secret('refresh') };
        const again = await store.saveToken(new OAuthToken({ ...init, id }));
        expectFields(again, init, `what was saved again after ${how}`);
        expectFields(await store.findTokenById(id), init, `the record that is there after ${how}`);
        await store.deleteTokens();
      }
    },
  },
  {
    clause: 'C9',
    title: 'a new record of a user has nothing of one of the same user that was deleted',
    why: 'Who logs out and logs in again has the scope, or the client secret, of the login before.',
    hint: 'Remove the whole record, and keep nothing by the name of its user.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const { userSignature, clientId } = every;
      for (const how of ['deleteToken', 'deleteTokens'] as const) {
        const id = idOf(await store.saveToken(new OAuthToken(every)));
        if (how === 'deleteToken') await store.deleteToken(id);
        else await store.deleteTokens();
        const init = { userSignature, clientId, refreshToken: context.secret('refresh') };
        const again = await store.saveToken(new OAuthToken(init));
        expectFields(
          await store.findTokenById(idOf(again)),
          init,
          `the new record of a user whose record went by ${how}`,
        );
        await store.deleteTokens();
      }
    },
  },
  {
    clause: 'C10',
    title:
      'getTokens gives [] where there is nothing, and every record in the order of its first save',
    why: 'A list that changes its order makes an import or a table jump.',
    hint: 'ORDER BY a number that grows with each insert and stays at updates.',
    async run(context) {
      const store = await context.open();
      expectSame(await store.getTokens(), [], 'the list of an empty store');
      const ids: string[] = [];
      const tokens = Array.from({ length: 12 }, () => context.token());
      for (const token of tokens) ids.push(idOf(await store.saveToken(token)));
      expectSame(await idsIn(store), ids, 'the ids in the order of their first save');
      for (const at of [7, 0, 11, 3]) {
        const userSignature = tokens[at]?.userSignature;
        await store.saveToken(
          new OAuthToken({ userSignature, accessToken: context.secret('access') }),
        );
      }
      expectSame(await idsIn(store), ids, 'the ids after some were updated');
      const [gone] = ids.splice(4, 1);
      await store.deleteToken(gone ?? '');
      ids.push(idOf(await store.saveToken(context.token())));
      expectSame(await idsIn(store), ids, 'the ids after one was deleted and one was added');
    },
  },
  {
    clause: 'C10',
    title: 'what is added after a delete comes last, whatever was deleted',
    why: 'A job that goes through the list by its order never comes to what was put in between.',
    hint: 'Sort by a number that grows with each insert, and is never that of how many there are.',
    async run(context) {
      const store = await context.open();
      const ids: string[] = [];
      const add = async (): Promise<void> => {
        ids.push(idOf(await store.saveToken(context.token())));
      };
      for (let count = 0; count < 4; count += 1) await add();
      const expectListed = async (after: string): Promise<void> => {
        expectSame(await idsIn(store), ids, `the ids in the list after ${after}`);
      };
      for (const at of [0, 1, 0]) {
        const [gone = ''] = ids.splice(at, 1);
        await store.deleteToken(gone);
        await expectListed('a delete');
      }
      for (let count = 0; count < 3; count += 1) {
        await add();
        await expectListed('an addition');
      }
    },
  },
  {
    clause: 'C10',
    title: 'records that several handles have saved come in the order of the first saves, too',
    why: 'Each process has a handle of its own: a page of the list shows one login twice and another never.',
    hint: 'Let the storage count, not the handle: a number of the database, or the highest one there is plus one.',
    async run(context) {
      const handles = await context.openMany(3);
      const ids: string[] = [];
      // In runs that differ in length: numbers of their own would fit where they take turns.
      for (const at of [0, 1, 1, 1, 0, 2, 0, 0, 1, 2, 2]) {
        const saved = await handles[at]?.saveToken(context.token());
        ids.push(idOf(saved));
      }
      for (const handle of handles) {
        const listed = await idsIn(handle);
        expectSame(listed, ids, 'the ids in the order of their first save');
      }
    },
  },
  {
    clause: 'C11',
    title: 'deleteTokens removes every record, and can be called on nothing',
    why: 'What is left after everything was deleted is a secret that somebody thinks is gone.',
    hint: 'Delete in one statement, not while iterating over what is being deleted.',
    async run(context) {
      const store = await context.open();
      await store.deleteTokens();
      const tokens = Array.from({ length: 30 }, () => context.token());
      await inParallel(tokens, async (token) => {
        await store.saveToken(token);
      });
      await store.deleteTokens();
      expectSame(await store.getTokens(), [], 'the list after deleteTokens');
      for (const token of tokens)
        expectNull(await store.findToken(token), 'what a deleted token finds');
      await store.deleteTokens();
      const [first] = tokens;
      if (first !== undefined) await store.saveToken(first);
      expectSame((await store.getTokens()).length, 1, 'the number of records after a new save');
    },
  },
  {
    clause: 'C11',
    title: 'deleteTokens removes records of every kind, and no key finds one after it',
    why: 'An index that still leads to what was deleted brings the login back.',
    hint: 'Delete every record, whatever it has in it, and all that leads to it.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const { extra } = context.kept({ extra: { note: context.secret('extra') } });
      const alone = TOKEN_KEYS.map((key) => ({ [key]: context.secret(key) }));
      await store.saveToken(new OAuthToken(every));
      for (const init of alone) await store.saveToken(new OAuthToken(init));
      if (extra !== undefined) await store.saveToken(new OAuthToken({ extra }));
      await store.deleteTokens();
      expectSame(await store.getTokens(), [], 'the list after deleteTokens');
      const sought = [
        { userSignature: every.userSignature },
        ...TOKEN_KEYS.map((key) => ({ [key]: every[key] })),
        ...alone,
      ];
      for (const init of sought) {
        const found = await store.findToken(new OAuthToken(init));
        expectNull(found, `what the ${Object.keys(init)} of a record finds after deleteTokens`);
      }
    },
  },
  {
    clause: 'C11',
    title: 'deleteTokens leaves what a neighbour keeps on the same backend',
    why: 'Clearing the store of a test must not clear that of production.',
    hint: 'Delete what the name of this store leads to: its table, its prefix with its end marked, its collection.',
    async run(context) {
      const main = await context.open();
      const neighbour = await context.open(await context.neighbour());
      // Both ways: one of their names may be the beginning of the other.
      for (const [mine, theirs] of [
        [main, neighbour],
        [neighbour, main],
      ] as const) {
        await mine.saveToken(context.token());
        const kept = await theirs.saveToken(context.token());
        await mine.deleteTokens();
        expectSame(await recordsIn(theirs), [recordOf(kept)], 'the records of the neighbour');
        expectSame(
          recordOf(await theirs.findToken(kept)),
          recordOf(kept),
          'what the neighbour finds',
        );
        expectSame(await mine.getTokens(), [], 'the records of the store itself');
        await theirs.deleteTokens();
      }
    },
  },
  {
    clause: 'C16',
    title: 'stores with different names on one backend never see each other',
    why: 'Two apps on one database would log in as each other.',
    hint: 'Put the name into every key, query and index, and mark where it ends.',
    async run(context) {
      const [mine, theirs] = [await context.open(), await context.open(await context.neighbour())];
      const token = context.token({ id: context.value('id') });
      const change = { accessToken: context.secret('access') };
      await mine.saveToken(token);
      expectSame(await theirs.getTokens(), [], 'the list of the neighbour');
      expectSame(await iterated(context, theirs), [], 'what tokens() of the neighbour gives');
      expectNull(await theirs.findToken(token), 'what the token finds at the neighbour');
      expectNull(await theirs.findTokenById(token.id ?? ''), 'what the id finds at the neighbour');
      await theirs.deleteToken(token.id ?? '');
      await theirs.saveToken(token.with(change));
      const found = await mine.findToken(token);
      expectSame(
        found && recordOf(found)['accessToken'],
        token.accessToken,
        'the access token after the neighbour saved another',
      );
      await mine.deleteToken(token.id ?? '');
      expectSame((await theirs.getTokens()).length, 1, 'the number of records of the neighbour');
      expectSame(await mine.getTokens(), [], 'the list of the store itself');
      expectSame(await iterated(context, mine), [], 'what tokens() of the store itself gives');
    },
  },
];
