import { OAuthToken, type SaveOptions, type TokenInit } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import type { CheckContext } from '../check-context.ts';
import {
  expect,
  expectConflict,
  expectFields,
  expectOne,
  expectRefused,
  expectSame,
  idOf,
  recordOf,
  recordsIn,
  versionOf,
} from '../expectations.ts';
import { TOKEN_KEYS } from '../keys.ts';
import { show } from '../show.ts';

// What a save does it does under every option too: stores have a way of their own for each of them.

const OWNERS = ['userSignature', 'clientId', 'issuer', 'resource'] as const;

/** The options of a save over a record that is there, as they are for that record. */
type OptionsFor = (record: OAuthToken) => SaveOptions;

const CLEAR = { clear: ['redirectUrl'] } as const;

/** Every way to save over a record that is there, where a condition holds. */
function waysToSave({ definition }: CheckContext): readonly OptionsFor[] {
  if (definition.versions !== true) return [() => CLEAR];
  return [
    (record) => ({ ifVersion: versionOf(record) }),
    () => ({ ifExists: true }),
    () => CLEAR,
    (record) => ({ ifVersion: versionOf(record), ifExists: true }),
    (record) => ({ ifVersion: versionOf(record), ...CLEAR }),
  ];
}

/** Which fields lead to the record: each alone, and one after others that nobody has. */
const WAYS_TO_FIND: readonly Readonly<Record<string, 'its own' | 'of nobody'>>[] = [
  { id: 'its own' },
  { grantToken: 'its own' },
  { refreshToken: 'its own' },
  { accessToken: 'its own' },
  { clientId: 'of nobody', accessToken: 'its own' },
  { id: 'of nobody', refreshToken: 'its own' },
  { userName: 'of nobody', grantToken: 'its own' },
  { grantToken: 'of nobody', refreshToken: 'its own' },
  { accessToken: 'of nobody', grantToken: 'its own' },
  { userName: 'of nobody', clientId: 'of nobody', grantToken: 'of nobody', accessToken: 'its own' },
];

export const optionChecks: readonly Check[] = [
  {
    clause: 'C3',
    title: 'fields, the expiry and extra are merged under every option of a save',
    why: 'A refresh saves with ifVersion: what goes wrong there alone is met when a token expires.',
    hint: 'Let every option end in the same merge.',
    async run(context) {
      const store = await context.open();
      for (const optionsFor of waysToSave(context)) {
        const {
          redirectUrl: _url,
          extra: _extra,
          expiresAt: _expiry,
          ...every
        } = context.everyField();
        const before = context.kept({ extra: { a: 1, b: 2 }, expiresAt: 1_950_000_000_000 });
        const record = await store.saveToken(new OAuthToken({ ...every, ...before }));
        const options = optionsFor(record);
        const { userSignature, clientId } = every;
        const accessToken = context.secret('access');
        const change = { accessToken, ...context.kept({ extra: { b: null, c: [3] } }) };
        const saved = await store.saveToken(
          new OAuthToken({ userSignature, clientId, ...change }),
          options,
        );
        const wanted = { ...every, accessToken, ...context.kept({ extra: { a: 1, c: [3] } }) };
        const what = `after a save with ${show(options)} of another access token and of extra`;
        expectFields(saved, wanted, `what was given ${what}`);
        expectFields(await store.findTokenById(idOf(record)), wanted, `the record ${what}`);
      }
    },
  },
  {
    clause: 'C3',
    title: 'a record takes the owner that it lacks by any key, and everything else of it stays',
    why: 'The user is often known after the login only, and the client is what the login was made with.',
    hint: 'Merge what names an owner as every other save: fields that the token lacks stay.',
    async run(context) {
      const store = await context.open();
      for (const owner of OWNERS) {
        for (const key of ['id', ...TOKEN_KEYS] as const) {
          const { [owner]: named, ...rest } = context.everyField();
          if (named === undefined) continue;
          const id = idOf(await store.saveToken(new OAuthToken(rest)));
          const init = { [owner]: named, [key]: key === 'id' ? id : rest[key] };
          const wanted = { ...rest, [owner]: named };
          const what = `after a save by its ${key} that names the ${owner}`;
          expectFields(
            await store.saveToken(new OAuthToken(init)),
            wanted,
            `what was given ${what}`,
          );
          expectFields(await store.findTokenById(id), wanted, `the record ${what}`);
        }
      }
    },
  },
  {
    clause: 'C4',
    title: 'a record is added under its own id, whatever the token has and the options are',
    why: 'A program that makes ids asks for its record by them.',
    hint: 'Take token.id where there is one, in every way to add a record.',
    async run(context) {
      const store = await context.open();
      const options: (SaveOptions | undefined)[] = [undefined, { clear: ['redirectUrl'] }];
      if (context.definition.versions === true) options.push({ ifVersion: 0 }, { ifExists: false });
      for (const option of options) {
        for (const init of [
          { refreshToken: context.secret('refresh') },
          { grantToken: context.secret('grant') },
          { accessToken: context.secret('access'), clientId: context.value('client') },
          {
            userSignature: { name: context.value('user') },
            refreshToken: context.secret('refresh'),
          },
        ]) {
          const id = context.value('id');
          const token = new OAuthToken({ ...init, id });
          const saved = await store.saveToken(token, option);
          const what = `a token with ${Object.keys(init).join(' and ')} that was added with ${show(option)}`;
          expectSame(idOf(saved), id, `the id of ${what}`);
          expectFields(await store.findTokenById(id), init, `the record of ${what}`);
        }
      }
    },
  },
  {
    clause: 'C5',
    title: 'records are absorbed under every option of a save',
    why: 'A login that was saved before its user was known stays, and is found instead of the one that was refreshed.',
    hint: 'Absorb in the one write that every option ends in.',
    async run(context) {
      const store = await context.open();
      for (const optionsFor of waysToSave(context)) {
        const { userSignature } = context.token();
        const shared = TOKEN_KEYS.map((key) => ({ [key]: context.secret(key) }));
        const record = await store.saveToken(context.token({ userSignature }));
        const options = optionsFor(record);
        for (const key of shared) await store.saveToken(new OAuthToken(key));
        const token = new OAuthToken(Object.assign({ userSignature }, ...shared));
        await store.saveToken(token, options);
        const what = `what a save with ${show(options)} left, which three more records match`;
        const only = expectOne(await store.getTokens(), what);
        expectSame(idOf(only), idOf(record), 'the id of the record that was kept');
        await store.deleteTokens();
      }
    },
  },
  {
    clause: 'C7',
    title: 'the user name of another record is refused under every option of a save',
    why: 'Two records for one user: which of them is refreshed is a matter of luck.',
    hint: 'That the version is right says nothing of the user name: look at both.',
    async run(context) {
      const store = await context.open();
      const { userSignature } = await store.saveToken(context.token());
      const own = await store.saveToken(context.token());
      const before = await recordsIn(store);
      for (const optionsFor of waysToSave(context)) {
        const options = optionsFor(own);
        const thief = new OAuthToken({
          id: idOf(own),
          userSignature,
          accessToken: context.secret('access'),
        });
        const what = `a save under the id of another user with ${show(options)}`;
        await expectRefused(store.saveToken(thief, options), 'TOKEN_CONFLICT', what);
        const after = await recordsIn(store);
        expectSame(after, before, `the records after ${what}`);
      }
    },
  },
  {
    clause: 'M4',
    title: 'where several records match, no option of a save tells which of them is meant',
    why: 'Two users have version 1: the one of them is not the other.',
    hint: 'Find the record first, and refuse where there are two; compare the version then.',
    async run(context) {
      const store = await context.open();
      for (const key of TOKEN_KEYS) {
        const shared = { [key]: context.secret(key) };
        const records: OAuthToken[] = [];
        for (const name of ['user', 'other']) {
          const userSignature = { name: context.value(name) };
          records.push(await store.saveToken(new OAuthToken({ userSignature, ...shared })));
        }
        // Of two versions, so that ifVersion fits the one of them only.
        const [first, second] = records;
        if (first === undefined || second === undefined) return;
        records[1] = await store.saveToken(new OAuthToken({ id: idOf(second), scope: 'second' }));
        const before = await recordsIn(store);
        const ways = waysToSave(context);
        for (const options of records.flatMap((record) => ways.map((way) => way(record)))) {
          const token = new OAuthToken({ ...shared, scope: 'changed' });
          const what = `a save with ${show(options)} by a ${key} that two users have`;
          await expectRefused(store.saveToken(token, options), 'AMBIGUOUS_TOKEN', what);
          const after = await recordsIn(store);
          expectSame(after, before, `the records after ${what}`);
        }
      }
    },
  },
  {
    clause: 'V2',
    title: 'ifVersion is compared with the record that is kept, and not with one that is absorbed',
    why: 'The version of another record says nothing of whether this one was read.',
    hint: 'Find the one record that the token means, and compare its version alone.',
    async run(context) {
      const store = await context.open();
      for (const key of TOKEN_KEYS) {
        const shared = { [key]: context.secret(key) };
        const { userSignature } = context.token();
        const kept = await store.saveToken(context.token({ userSignature }));
        await store.saveToken(new OAuthToken(shared));
        await store.saveToken(new OAuthToken(shared));
        const other = await store.saveToken(new OAuthToken(shared));
        const before = await recordsIn(store);
        const ifVersion = versionOf(other);
        expect(ifVersion !== versionOf(kept), 'versions that grow', `${ifVersion} did not`);
        await expectConflict(
          store.saveToken(new OAuthToken({ userSignature, ...shared }), { ifVersion }),
          versionOf(kept),
          `a save with the version of a record that it would absorb by its ${key}`,
        );
        const after = await recordsIn(store);
        expectSame(after, before, 'the records after it was refused');
        await store.deleteTokens();
      }
    },
  },
  conditionByKey({
    clause: 'V2',
    title: 'ifVersion holds for the record by whichever key of the token it is found',
    why: 'A refresh saves by the refresh token where the user is not known.',
    hint: 'Find the record as every save does, by all keys in turn, and compare its version then.',
    optionsFor: (record) => ({ ifVersion: versionOf(record) }),
  }),
  conditionByKey({
    clause: 'V5',
    title: 'ifExists finds the record by whichever key of the token there is one',
    why: 'A refresh that is told that its record is gone gives up a login that is there.',
    hint: 'Find the record as every save does, by all keys in turn.',
    optionsFor: () => ({ ifExists: true }),
  }),
  {
    clause: 'C18',
    title: 'nobody sees a record that is saved and not yet cleared',
    why: 'The new access token beside the scope of the old one is used at once by whoever reads it.',
    hint: 'Merge and clear in one write.',
    async run(context) {
      const store = await context.open();
      const reader = await context.open(await context.mainPlace());
      for (let round = 0; round < context.rounds(10, 5); round += 1) {
        const every = context.everyField();
        const { tokenType: _type, scope: _scope, ...rest } = every;
        const id = idOf(await store.saveToken(new OAuthToken(every)));
        const accessToken = context.secret('access');
        const { userSignature, clientId, expiresAt } = every;
        let isOver = false;
        const saving = async (): Promise<void> => {
          try {
            const token = new OAuthToken({ userSignature, clientId, expiresAt, accessToken });
            await store.saveToken(token, { clear: ['scope', 'tokenType'] });
          } finally {
            isOver = true;
          }
        };
        const reading = async (): Promise<void> => {
          while (!isOver) {
            const seen = await reader.findTokenById(id);
            const isNew = seen !== null && recordOf(seen)['accessToken'] === accessToken;
            const wanted: TokenInit = isNew ? { ...rest, accessToken } : every;
            expectFields(seen, wanted, 'the record beside a save that clears');
          }
        };
        await Promise.all([saving(), reading()]);
      }
    },
  },
  {
    clause: 'C12',
    title: 'changing the options of a call after it was made changes nothing',
    why: 'A caller may use an object again for the next call.',
    hint: 'Copy what you need of the options before the first await, lists too.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const record = await store.saveToken(new OAuthToken(every));
      const id = idOf(record);
      const clear: ('scope' | 'tokenType')[] = ['scope'];
      const saving = store.saveToken(new OAuthToken({ id }), { clear });
      clear[0] = 'tokenType';
      clear.push('scope', 'tokenType');
      const { scope: _scope, ...rest } = every;
      expectFields(await saving, rest, 'what a save gave whose clear was changed meanwhile');
      expectFields(await store.findTokenById(id), rest, 'the record after it');
      if (context.definition.versions !== true) return;
      const options = { ifVersion: versionOf(await store.findTokenById(id), 'the record') };
      const deleting = store.deleteToken(id, options);
      options.ifVersion += 1;
      await deleting;
      expectSame(await store.getTokens(), [], 'the records after a delete of the right version');
    },
  },
];

/** That a save under a condition finds its record by each key, and by a later one where the first finds none. */
function conditionByKey({
  optionsFor,
  ...check
}: Omit<Check, 'run'> & { readonly optionsFor: OptionsFor }): Check {
  return {
    ...check,
    async run(context) {
      const store = await context.open();
      for (const way of WAYS_TO_FIND) {
        const tokens = Object.fromEntries(TOKEN_KEYS.map((key) => [key, context.secret(key)]));
        const record = await store.saveToken(new OAuthToken(tokens));
        const known: TokenInit = { id: idOf(record), ...tokens };
        const fields = Object.entries(way).map(([field, whose]) => [
          field,
          whose === 'its own' ? Reflect.get(known, field) : context.secret(field),
        ]);
        const { userName, ...init } = Object.fromEntries(fields);
        const named = userName === undefined ? {} : { userSignature: { name: userName } };
        const options = optionsFor(record);
        const what = `a save with ${show(options)} and ${show(way)}`;
        const saved = await store.saveToken(new OAuthToken({ ...init, ...named }), options);
        expectSame(idOf(saved), idOf(record), `the id after ${what}`);
        expectOne(await store.getTokens(), `what is there after ${what}`);
        await store.deleteTokens();
      }
    },
  };
}
