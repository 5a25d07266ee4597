import { type JsonObject, OAuthToken, type TokenInit } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import { expectFields, expectNull, expectSame, idOf, recordOf } from '../expectations.ts';
import { show } from '../show.ts';

/** Names that a storage, or a program, takes for something else. */
const NAMES: readonly string[] = [
  'a.b',
  'a',
  'A',
  'a ',
  '$set',
  '$.a',
  'a[0]',
  '0',
  '__proto__',
  'toString',
  'constructor',
  'null',
  'a"b',
  "a'b",
  'a\\b',
  'a/b',
  'a\0b',
  'é',
  'e\u0301',
  'kept',
];

export const mergingChecks: readonly Check[] = [
  {
    clause: 'C3',
    title: 'another access token that comes without an expiry leaves none',
    why: 'With the expiry of the one before it a new token is thrown away while it is good, or used when it is not.',
    hint: 'Where the access token is another one, take expiresAt from the token that is saved, absent too.',
    async run(context) {
      const store = await context.open();
      const { expiresAt: _expiry, ...every } = context.everyField();
      const id = idOf(
        await store.saveToken(new OAuthToken({ ...every, expiresAt: 1_950_000_000_000 })),
      );
      const { userSignature, clientId } = every;
      const accessToken = context.secret('access');
      await store.saveToken(new OAuthToken({ userSignature, clientId, accessToken }));
      expectFields(
        await store.findTokenById(id),
        { ...every, accessToken },
        'the record after another access token was saved without an expiry',
      );
      const known = { expiresAt: 1_960_000_000_000 };
      await store.saveToken(new OAuthToken({ userSignature, clientId, ...known }));
      await store.saveToken(new OAuthToken({ userSignature, clientId, accessToken }));
      expectFields(
        await store.findTokenById(id),
        { ...every, accessToken, ...known },
        'the record after the same access token was saved again without an expiry',
      );
      const refreshToken = context.secret('refresh');
      await store.saveToken(new OAuthToken({ userSignature, clientId, refreshToken }));
      expectFields(
        await store.findTokenById(id),
        { ...every, accessToken, refreshToken, ...known },
        'the record after another refresh token was saved',
      );
    },
  },
  {
    clause: 'C3',
    title: 'the expiry of a record that is absorbed does not go to the access token that is kept',
    why: 'A token is thrown away while it is good, or used when it is not: the expiry was that of another.',
    hint: 'Take expiresAt over only together with the access token that it belongs to.',
    async run(context) {
      const store = await context.open();
      const user = { userSignature: { name: context.value('user') } };
      const refreshToken = context.secret('refresh');
      const accessToken = context.secret('access');
      await store.saveToken(new OAuthToken({ ...user, accessToken }));
      const other = { refreshToken, accessToken: context.secret('access') };
      await store.saveToken(new OAuthToken({ ...other, expiresAt: 1_950_000_000_000 }));
      await store.saveToken(new OAuthToken({ ...user, refreshToken }));
      expectFields(
        await store.findToken(new OAuthToken(user)),
        { ...user, accessToken, refreshToken },
        'a record without an expiry after it absorbed one with another access token',
      );
    },
  },
  {
    clause: 'C3',
    title: 'extra is merged by name: what is not given stays, and null takes a name away',
    why: 'Two parts of a program keep what they need there: neither may undo the other.',
    hint: 'Merge the names of the first level, and drop those that are given as null (RFC 7396).',
    async run(context) {
      const store = await context.open();
      const init: TokenInit = {
        ...context.everyField(),
        extra: { a: 1, b: { c: 1, d: 2 }, e: [1] },
      };
      const id = idOf(await store.saveToken(new OAuthToken(init)));
      const steps = [
        [{ f: 'new' }, { a: 1, b: { c: 1, d: 2 }, e: [1], f: 'new' }],
        [{ a: 2 }, { a: 2, b: { c: 1, d: 2 }, e: [1], f: 'new' }],
        [{ b: { c: 3 } }, { a: 2, b: { c: 3 }, e: [1], f: 'new' }],
        [{ e: [2] }, { a: 2, b: { c: 3 }, e: [2], f: 'new' }],
        [{ a: null }, { b: { c: 3 }, e: [2], f: 'new' }],
        [{ unknown: null }, { b: { c: 3 }, e: [2], f: 'new' }],
        [{ b: { c: null } }, { b: { c: null }, e: [2], f: 'new' }],
        [
          { e: null, f: null, g: 0 },
          { b: { c: null }, g: 0 },
        ],
      ] as const;
      for (const [extra, expected] of steps) {
        const saved = await store.saveToken(new OAuthToken({ id, extra }));
        expectSame(recordOf(saved)['extra'], expected, `extra as a save of ${show(extra)} gave it`);
        expectFields(
          await store.findTokenById(id),
          { ...init, extra: expected },
          `the record after a save of ${show(extra)}`,
        );
      }
    },
  },
  {
    clause: 'C3',
    title: 'names of extra are texts: each is replaced and taken away by itself, whatever is in it',
    why: 'A provider names its fields as it likes: a path or a prototype is what a storage makes of them.',
    hint: 'Merge in your program, by own names alone, and keep extra as one text; an operator that sets by path takes a dot for one.',
    async run(context) {
      const store = await context.open();
      let extra: JsonObject = Object.fromEntries(NAMES.map((name) => [name, [name]]));
      const id = idOf(await store.saveToken(context.token(context.kept({ extra }))));
      const check = async (given: JsonObject): Promise<void> => {
        const saved = await store.saveToken(new OAuthToken({ id, extra: given }));
        const what = `extra after a save of ${show(given)}`;
        expectSame(recordOf(saved)['extra'], extra, what);
        expectSame(recordOf(await store.findTokenById(id))['extra'], extra, what);
      };
      if (context.kept({ extra }).extra === undefined) return;
      for (const name of NAMES) {
        extra = Object.fromEntries(
          Object.entries(extra).map(([one, value]) => [one, one === name ? 'replaced' : value]),
        );
        await check(Object.fromEntries([[name, 'replaced']]));
      }
      for (const name of NAMES) {
        extra = Object.fromEntries(Object.entries(extra).filter(([one]) => one !== name));
        await check(Object.fromEntries([[name, null]]));
      }
    },
  },
  {
    clause: 'C4',
    title: 'extra alone is enough to add a record, and a name that is null in it is not kept',
    why: 'What precedes a login has to live somewhere: a client registration, a PKCE verifier.',
    hint: 'Refuse only what has neither a token nor extra.',
    async run(context) {
      const store = await context.open();
      const userSignature = { name: context.value('user') };
      const extra = { verifier: context.secret('verifier') };
      const id = idOf(
        await store.saveToken(new OAuthToken({ userSignature, extra: { ...extra, gone: null } })),
      );
      expectFields(
        await store.findToken(new OAuthToken({ userSignature })),
        { userSignature, extra },
        'the record with extra alone',
      );
      const second = await store.saveToken(new OAuthToken({ extra }));
      expectFields(await store.findTokenById(idOf(second)), { extra }, 'the record without a key');
      const refreshToken = context.secret('refresh');
      await store.saveToken(new OAuthToken({ userSignature, refreshToken }));
      expectFields(
        await store.findTokenById(id),
        { userSignature, refreshToken, extra },
        'the record after the login',
      );
    },
  },
  ...(['issuer', 'resource'] as const).map(
    (owner): Check => ({
      clause: 'M2',
      title: `a match does not cross the ${owner}, and a side that names none agrees with any`,
      why: 'A token that one server issued, or for one API, is refused by the other, or shows it what it may not see.',
      hint: `Compare the ${owner} as the user and the client are compared, on every key but the id.`,
      async run(context) {
        const store = await context.open();
        const userSignature = { name: context.value('user') };
        const clientId = context.value('client');
        const [one, two] = ['one', 'two'].map((name) =>
          context.token({ userSignature, clientId, [owner]: context.value(name) }),
        );
        if (one === undefined || two === undefined) return;
        const ids = [idOf(await store.saveToken(one)), idOf(await store.saveToken(two))];
        expectSame(
          (await store.getTokens()).length,
          2,
          `the number of records, one for each ${owner}`,
        );
        for (const [at, token] of [one, two].entries()) {
          const found = await store.findToken(
            new OAuthToken({ userSignature, clientId, [owner]: token[owner] }),
          );
          expectSame(found && idOf(found), ids[at], `the id that the user finds with its ${owner}`);
          for (const key of ['refreshToken', 'accessToken'] as const) {
            const bare = new OAuthToken({ [key]: token[key] });
            const any = await store.findToken(bare);
            expectSame(any && idOf(any), ids[at], `the id that the ${key} finds with no ${owner}`);
            const other = context.value('three');
            expectNull(
              await store.findToken(bare.with({ [owner]: other })),
              `what the ${key} finds for another ${owner}`,
            );
          }
          const byId = await store.findToken(
            new OAuthToken({ id: ids[at], [owner]: context.value('four') }),
          );
          expectSame(byId && idOf(byId), ids[at], 'the id that the id finds, whoever asks');
        }
        const bare = { refreshToken: context.secret('refresh') };
        const id = idOf(await store.saveToken(new OAuthToken(bare)));
        await store.saveToken(new OAuthToken({ ...bare, [owner]: one[owner] }));
        expectSame(
          recordOf(await store.findTokenById(id))[owner],
          one[owner],
          `the ${owner} of a record that had none`,
        );
        await store.saveToken(new OAuthToken({ ...bare, [owner]: two[owner] }));
        expectSame(
          (await store.getTokens()).length,
          4,
          `the number of records after a save for another ${owner}`,
        );
      },
    }),
  ),
];
