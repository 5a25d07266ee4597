import { OAuthToken, type TokenInit } from '@tokenkeep/core';
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
import { inParallel } from '../in-parallel.ts';
import { show } from '../show.ts';

/** With fewer bits in them, ids can be found by trying. */
const LEAST_BITS = 124;
/** How many ids are looked at to tell how much they vary. */
const IDS = 256;

export const savingChecks: readonly Check[] = [
  {
    clause: 'C3',
    title: 'a second and a third save of a known user update its record',
    why: 'A refreshed access token that is not stored is asked for again at every start.',
    hint: 'INSERT OR IGNORE and ON CONFLICT DO NOTHING ignore every save but the first.',
    async run(context) {
      const store = await context.open();
      const first = context.token();
      const id = idOf(await store.saveToken(first));
      for (let round = 0; round < 3; round += 1) {
        const next = {
          ...initOf(first),
          accessToken: context.secret('access'),
          refreshToken: context.secret('refresh'),
        };
        const saved = await store.saveToken(new OAuthToken(next));
        expectSame(idOf(saved), id, 'the id after an update');
        expectFields(await store.findTokenById(id), next, 'the record after an update');
        expectFields(
          expectOne(await store.getTokens(), 'the list'),
          next,
          'the record in the list',
        );
      }
      expectNull(
        await store.findToken(new OAuthToken({ refreshToken: first.refreshToken })),
        'what the old refresh token finds',
      );
      expectNull(
        await store.findToken(new OAuthToken({ accessToken: first.accessToken })),
        'what the old access token finds',
      );
    },
  },
  {
    clause: 'C3',
    title: 'fields that a save has replace, and fields that it lacks stay, one by one',
    why: 'A refresh brings a new access token and nothing else: the refresh token must outlive it.',
    hint: 'Merge the two: { ...record, ...fields }, where fields are those of the token that are not absent.',
    async run(context) {
      const store = await context.open();
      let expected = context.everyField();
      const id = idOf(await store.saveToken(new OAuthToken(expected)));
      const { userSignature, clientId } = expected;
      const changes: readonly TokenInit[] = [
        { accessToken: context.secret('access'), expiresAt: 1_850_000_000_000 },
        { accessToken: context.secret('access'), expiresAt: 1_800_000_000_000 },
        { refreshToken: context.secret('refresh') },
        { grantToken: context.secret('grant') },
        { clientSecret: context.secret('client') },
        { redirectUrl: 'https://example.com/changed' },
        { apiDomain: 'https://changed.example.com' },
        { scope: 'changed' },
        { tokenType: 'changed' },
        { lease: 'changed' },
        { expiresAt: 1_860_000_000_000 },
        {},
      ];
      for (const change of changes) {
        expected = { ...expected, ...context.kept(change) };
        const saved = await store.saveToken(new OAuthToken({ userSignature, clientId, ...change }));
        const what = `the record after a save of ${Object.keys(change).join(' and ') || 'its keys alone'}`;
        expectFields(saved, expected, what);
        expectFields(await store.findTokenById(id), expected, what);
      }
    },
  },
  {
    clause: 'C3',
    title: 'an update through any key keeps the id, and there is still one record',
    why: 'A program that keeps the id finds nothing when it changes.',
    hint: 'Update the record that matched, in its place; do not delete and insert.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const id = idOf(await store.saveToken(new OAuthToken(every)));
      const keys: readonly TokenInit[] = [
        { id },
        { userSignature: every.userSignature },
        { grantToken: every.grantToken },
        { refreshToken: every.refreshToken },
        { accessToken: every.accessToken },
      ];
      for (const key of keys) {
        const scope = context.value('scope');
        const saved = await store.saveToken(new OAuthToken({ ...key, scope }));
        const what = `a save by ${Object.keys(key).join()} alone`;
        expectSame(idOf(saved), id, `the id after ${what}`);
        expectFields(
          expectOne(await store.getTokens(), `what is there after ${what}`),
          { ...every, ...context.kept({ scope }) },
          'the record',
        );
      }
    },
  },
  {
    clause: 'C3',
    title: 'a record that was saved without a user and a client takes them from a later save',
    why: 'The user is often known only after the first call with the new token.',
    hint: 'Fields that the record lacks are filled by what the token has, the user name and the client too.',
    async run(context) {
      const store = await context.open();
      const bare = { refreshToken: context.secret('refresh') };
      const id = idOf(await store.saveToken(new OAuthToken(bare)));
      const full = {
        ...bare,
        userSignature: { name: context.value('user') },
        clientId: context.value('client'),
      };
      await store.saveToken(new OAuthToken(full));
      expectFields(
        await store.findToken(new OAuthToken({ userSignature: full.userSignature })),
        full,
        'what the user name finds',
      );
      expectSame(idOf(expectOne(await store.getTokens(), 'the list')), id, 'the id');
    },
  },
  {
    clause: 'C4',
    title: 'a save of an unknown token adds one record under an id of its own',
    why: 'Two users in one record, or one user in two, and nobody can tell whose token it is.',
    hint: 'Insert when nothing matched, under token.id if there is one, else under a new id.',
    async run(context) {
      const store = await context.open();
      const ids: string[] = [];
      for (let count = 1; count <= 5; count += 1) {
        const token = context.token();
        ids.push(idOf(await store.saveToken(token)));
        expectSame((await store.getTokens()).length, count, 'the number of records');
      }
      const id = context.value('id');
      expectSame(
        idOf(await store.saveToken(context.token({ id }))),
        id,
        'the id of a token that came with one',
      );
      expectSame(new Set([...ids, id]).size, 6, 'the number of different ids');
    },
  },
  {
    clause: 'C4',
    title: 'a grant, a refresh or an access token alone is enough to add a record',
    why: 'Which of them a program has depends on where in the login it stands.',
    hint: 'Refuse only what has none of the three.',
    async run(context) {
      const store = await context.open();
      for (const name of ['grantToken', 'refreshToken', 'accessToken'] as const) {
        const init = { [name]: context.secret(name) };
        const id = idOf(await store.saveToken(new OAuthToken(init)));
        expectFields(await store.findToken(new OAuthToken(init)), init, `what the ${name} finds`);
        expectFields(await store.findTokenById(id), init, `the record with a ${name} alone`);
      }
      expectSame((await store.getTokens()).length, 3, 'the number of records');
    },
  },
  {
    clause: 'C4',
    title: 'a token with no refresh, grant or access token is refused, and nothing is stored',
    why: 'A record that holds nothing to log in with is found instead of the one that does.',
    hint: 'Refuse it with InvalidTokenError when nothing matched.',
    async run(context) {
      const store = await context.open();
      const userSignature = { name: context.value('user') };
      const {
        grantToken: _g,
        refreshToken: _r,
        accessToken: _a,
        extra: _e,
        ...rest
      } = context.everyField();
      for (const init of [
        {},
        { userSignature },
        { id: context.value('id') },
        { userSignature, scope: 'a' },
        rest,
      ]) {
        await expectRefused(
          store.saveToken(new OAuthToken(init)),
          'INVALID_TOKEN',
          `a save of ${show(init)}`,
        );
      }
      expectSame(await store.getTokens(), [], 'the records');
      expectNull(await store.findToken(new OAuthToken({ userSignature })), 'what its user finds');
    },
  },
  {
    clause: 'C5',
    title: 'after a save no other record matches the token: one that did is absorbed',
    why: 'Two records for one refresh token: the next refresh updates one, and the other one is found.',
    hint: 'Look for records by all keys of the token, keep the first match, and delete the others in the same transaction.',
    async run(context) {
      for (const name of ['refreshToken', 'accessToken', 'grantToken'] as const) {
        const inner = context.nested();
        await using _cleanUp = inner;
        const store = await inner.open();
        const shared = context.secret(name);
        const user = context.token();
        const id = idOf(await store.saveToken(user));
        await store.saveToken(new OAuthToken({ [name]: shared }));
        expectSame((await store.getTokens()).length, 2, 'the number of records before');
        const saved = await store.saveToken(
          new OAuthToken({ userSignature: user.userSignature, [name]: shared }),
        );
        const only = expectOne(
          await store.getTokens(),
          `what is left after a save that both records match on (${name})`,
        );
        expectSame(idOf(only), id, 'the id of the record that is kept: that of the user');
        expectSame(idOf(saved), id, 'the id that the save gave');
        expectSame(recordOf(only)[name], shared, `the ${name} of the record`);
        const found = await store.findToken(new OAuthToken({ [name]: shared }));
        expectSame(found && idOf(found), id, `the id that the ${name} finds`);
      }
    },
  },
  {
    clause: 'C5',
    title: 'records that match on three different keys become one',
    why: 'What was absorbed by half comes back as a second record of the same login.',
    hint: 'Absorb every record that matches on any key, not only the second one.',
    async run(context) {
      const store = await context.open();
      const [a, g, r] = [
        context.secret('access'),
        context.secret('grant'),
        context.secret('refresh'),
      ];
      const userSignature = { name: context.value('user') };
      const rest = context.kept({ scope: 'kept', tokenType: 'Bearer' });
      const id = idOf(
        await store.saveToken(
          new OAuthToken({
            userSignature,
            ...rest,
            accessToken: context.secret('access'),
          }),
        ),
      );
      for (const init of [{ accessToken: a }, { grantToken: g }, { refreshToken: r }])
        await store.saveToken(new OAuthToken(init));
      await store.saveToken(context.token());
      await store.saveToken(
        new OAuthToken({ userSignature, accessToken: a, grantToken: g, refreshToken: r }),
      );
      const tokens = await store.getTokens();
      expectSame(tokens.length, 2, 'the number of records: the one that is kept, and a stranger');
      expectFields(
        await store.findTokenById(id),
        {
          userSignature,
          ...rest,
          accessToken: a,
          grantToken: g,
          refreshToken: r,
        },
        'the record that is kept',
      );
    },
  },
  {
    clause: 'C5',
    title: 'a save does not absorb records of other users and clients, nor of other tokens',
    why: 'Absorbing too much deletes the login of somebody else.',
    hint: 'Absorb what matches the token by the rules of M1 and M2, and nothing else.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const id = idOf(await store.saveToken(new OAuthToken(every)));
      const others: readonly TokenInit[] = [
        { ...every, userSignature: { name: context.value('user') } },
        { ...every, clientId: context.value('client') },
        { refreshToken: context.secret('refresh'), scope: every.scope, clientId: every.clientId },
        { ...initOf(context.token()), redirectUrl: every.redirectUrl, apiDomain: every.apiDomain },
      ];
      for (const init of others) await store.saveToken(new OAuthToken(init));
      await store.saveToken(new OAuthToken({ ...every, accessToken: context.secret('access') }));
      expectSame((await store.getTokens()).length, others.length + 1, 'the number of records');
      expectFields(
        await store.findTokenById(id),
        { ...every, accessToken: recordOf(await store.findTokenById(id))['accessToken'] as string },
        'the record',
      );
    },
  },
  {
    clause: 'C6',
    title: 'saveToken gives the record as it is stored, after an addition and after an update',
    why: 'A program goes on with what saveToken gave: what is not in it is lost to it.',
    hint: 'Return what was written, with its id, not the token that came in.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const added = await store.saveToken(new OAuthToken(every));
      expectFields(added, every, 'what the first save gave');
      expectSame(
        recordOf(await store.findTokenById(idOf(added))),
        recordOf(added),
        'the record that is stored',
      );
      const { userSignature, clientId } = every;
      const change = { accessToken: context.secret('access'), expiresAt: 1_850_000_000_000 };
      const updated = await store.saveToken(new OAuthToken({ userSignature, clientId, ...change }));
      expectFields(updated, { ...every, ...change }, 'what the second save gave');
      expectSame(
        recordOf(await store.findTokenById(idOf(updated))),
        recordOf(updated),
        'the record that is stored',
      );
      expectSame(
        recordOf(expectOne(await store.getTokens(), 'the list')),
        recordOf(updated),
        'the record in the list',
      );
    },
  },
  {
    clause: 'C7',
    title: 'an explicit id with the user name of another record is refused, and nothing changes',
    why: 'Two records for one user: which of them is refreshed is a matter of luck.',
    hint: 'A unique index on user name and client, and a look at it before anything is written.',
    async run(context) {
      const store = await context.open();
      for (const client of [{}, { clientId: context.value('client') }]) {
        const taken = context.token(client);
        const other = context.token(client);
        await store.saveToken(taken);
        const id = idOf(await store.saveToken(other));
        const before = await recordsIn(store);
        const thief = new OAuthToken({
          ...client,
          id,
          userSignature: taken.userSignature,
          accessToken: context.secret('access'),
        });
        await expectRefused(
          store.saveToken(thief),
          'TOKEN_CONFLICT',
          'a save under the id of another user',
        );
        expectSame(await recordsIn(store), before, 'the records');
      }
    },
  },
  {
    clause: 'C7',
    title: 'an id that no record has, with a user name that one has, is refused too',
    why: 'Two records for one user, made by a program that thinks it knows the id.',
    hint: 'Look for the user name before you add, whatever id is named.',
    async run(context) {
      const store = await context.open();
      for (const client of [{}, { clientId: context.value('client') }]) {
        const taken = context.token(client);
        await store.saveToken(taken);
        const before = await recordsIn(store);
        await expectRefused(
          store.saveToken(
            taken.with({ id: context.value('id'), accessToken: context.secret('a') }),
          ),
          'TOKEN_CONFLICT',
          'a save of a known user under an unknown id',
        );
        expectSame(await recordsIn(store), before, 'the records');
      }
    },
  },
  {
    clause: 'C7',
    title:
      'of saves of one user under different ids at once one succeeds, and the others are refused',
    why: 'Two records for one user, of which each was looked for before the other was there.',
    hint: 'A unique index on user name and client; or look and add under one lock.',
    async run(context) {
      for (let round = 0; round < context.rounds(15, 5); round += 1) {
        await using inner = context.nested();
        const stores = await inner.openMany(round % 2 === 0 ? 1 : 3);
        const { userSignature } = inner.token();
        const saves = Array.from({ length: 4 }, () =>
          inner.token({ userSignature, id: inner.value('id') }),
        );
        const settled = await Promise.allSettled(
          saves.map(async (token, at) => {
            await inner.interleave();
            return stores[at % stores.length]?.saveToken(token);
          }),
        );
        const ends = settled.map((one) =>
          one.status === 'fulfilled' ? 'saved' : Reflect.get(Object(one.reason), 'code'),
        );
        expectSame(
          ends.toSorted(),
          ['TOKEN_CONFLICT', 'TOKEN_CONFLICT', 'TOKEN_CONFLICT', 'saved'],
          `how ${saves.length} saves of one user under different ids ended`,
        );
        const only = expectOne((await stores[0]?.getTokens()) ?? [], 'what they left');
        expectSame(
          idOf(only),
          saves[ends.indexOf('saved')]?.id,
          'the id of the record: that of the save that succeeded',
        );
      }
    },
  },
  {
    clause: 'C7',
    title:
      'an explicit id with its own user name, or the same name of another client, is no conflict',
    why: 'A store that refuses too much makes a program work around it.',
    hint: 'It is a conflict only where another record has the same user name and the same client.',
    async run(context) {
      const store = await context.open();
      const userSignature = { name: context.value('user') };
      const [one, two] = [context.value('client'), context.value('client')];
      const id = idOf(await store.saveToken(context.token({ userSignature, clientId: one })));
      await store.saveToken(context.token({ userSignature, clientId: two }));
      const change = { accessToken: context.secret('access') };
      const saved = await store.saveToken(
        new OAuthToken({ id, userSignature, clientId: one, ...change }),
      );
      expectSame(
        recordOf(saved)['accessToken'],
        change.accessToken,
        'the access token after a save under its own id',
      );
      expectSame((await store.getTokens()).length, 2, 'the number of records');
    },
  },
  {
    clause: 'C8',
    title: 'new ids are strings that vary by 128 bits, and none comes twice',
    why: 'An id that can be guessed is a key to the tokens of others wherever ids are taken from outside.',
    hint: "Use randomBytes(16).toString('hex'). A counter is guessed at once; a UUID has 122 random bits.",
    async run(context) {
      const store = await context.open();
      const ids: string[] = [];
      await inParallel(Array.from({ length: IDS }), async () => {
        ids.push(idOf(await store.saveToken(context.token())));
      });
      expectSame(new Set(ids).size, IDS, `the number of different ids of ${IDS}`);
      const bits = bitsIn(ids);
      expect(
        bits >= LEAST_BITS,
        'ids that vary by 128 bits',
        `they vary by no more than ${Math.floor(bits)}: ${show(ids.slice(0, 3))}`,
      );
    },
  },
  {
    clause: 'C8',
    title: 'an id is never given again, not even after its record is gone',
    why: 'A job that holds an old id would get the tokens of whoever came next.',
    hint: 'Make ids of random bits, not of a counter or of the number of records.',
    async run(context) {
      const store = await context.open();
      const seen = new Set<string>();
      const saveNew = async (): Promise<string> => {
        const id = idOf(await store.saveToken(context.token()));
        expect(!seen.has(id), 'a new id', `it was that of an earlier record: ${show(id)}`);
        seen.add(id);
        return id;
      };
      for (let round = 0; round < 3; round += 1) {
        await saveNew();
        const last = await saveNew();
        await store.deleteToken(last);
        await saveNew();
        await store.deleteTokens();
      }
      const token = context.token();
      const first = idOf(await store.saveToken(token));
      await store.deleteToken(first);
      const again = idOf(await store.saveToken(token));
      expect(
        again !== first,
        'a new id for a user that was deleted and came back',
        'it was the old one',
      );
    },
  },
  {
    clause: 'C8',
    title: 'no id is given by two handles',
    why: 'Handles that count, or that draw the same random numbers, write over the records of each other.',
    hint: 'Make ids with crypto.getRandomValues or randomBytes, not with a source that is seeded at the start.',
    async run(context) {
      const stores = await context.openMany(4);
      const ids: string[] = [];
      for (let count = 0; count < 32; count += 1) {
        const saved = await Promise.all(stores.map((store) => store.saveToken(context.token())));
        ids.push(...saved.map((token) => idOf(token)));
      }
      expectSame(new Set(ids).size, ids.length, 'how many different ids four handles gave');
      const listed = (await stores[0]?.getTokens()) ?? [];
      expectSame(listed.length, ids.length, 'how many records are listed');
    },
  },
];

function initOf(token: OAuthToken): TokenInit {
  const { userSignature, refreshToken, accessToken } = token;
  return { userSignature, refreshToken, accessToken };
}

/** The most bits that can be in ids of which these are some: by place from the end, log2 of how many characters were seen there. */
function bitsIn(ids: readonly string[]): number {
  const longest = Math.max(...ids.map((id) => id.length));
  let bits = 0;
  for (let place = 1; place <= longest; place += 1) {
    bits += Math.log2(new Set(ids.map((id) => id.at(-place))).size);
  }
  return bits;
}
