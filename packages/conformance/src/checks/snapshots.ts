import { OAuthToken } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import { expect, expectNull, expectSame, idOf, recordOf, recordsIn } from '../expectations.ts';
import { iterated } from '../iterated.ts';
import { TOKEN_KEYS } from '../keys.ts';

export const snapshotChecks: readonly Check[] = [
  {
    clause: 'C12',
    title: 'later saves and deletes do not change what was given out',
    why: 'A token that changes while a request is being made signs half of it with another.',
    hint: 'Give out a copy each time, and replace records instead of changing them.',
    async run(context) {
      const store = await context.open();
      const token = context.token({ extra: { list: [1] } });
      const saved = await store.saveToken(token);
      const found = await store.findToken(token);
      const byId = await store.findTokenById(idOf(saved));
      const list = await store.getTokens();
      const given = [saved, found, byId, list[0], ...(await iterated(context, store))];
      const before = given.map((one) => recordOf(one));
      await store.saveToken(
        token.with({ accessToken: context.secret('access'), extra: { list: [2] } }),
      );
      await store.saveToken(context.token());
      await store.deleteToken(idOf(saved));
      expectSame(
        given.map((one) => recordOf(one)),
        before,
        'what was given out before',
      );
      expectSame(list.length, 1, 'the length of the list that was given out before');
    },
  },
  {
    clause: 'C12',
    title: 'changing what was given out does not change the store',
    why: 'A caller that sorts or empties a list would sort or empty the store.',
    hint: 'Give out a new array and new records, all the way down.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const saved = await store.saveToken(new OAuthToken(every));
      const before = recordOf(saved);
      const list = await store.getTokens();
      list.length = 0;
      expectSame(await recordsIn(store), [before], 'the list after the one before was emptied');
      for (const given of [
        saved,
        await store.findToken(saved),
        await store.findTokenById(idOf(saved)),
        ...(await store.getTokens()),
        ...(await iterated(context, store)),
      ]) {
        const record: unknown = given?.toRecord();
        if (typeof record === 'object' && record !== null) {
          Reflect.set(record, 'accessToken', 'changed');
          spoil(Reflect.get(record, 'extra'));
        }
        spoil(given?.extra);
        expectSame(
          recordOf(await store.findTokenById(idOf(saved))),
          before,
          'the record after what was given out was changed',
        );
      }
    },
  },
  {
    clause: 'C12',
    title:
      'changing what was given in, before the save has ended or after, does not change the store',
    why: 'A caller may use an object again for the next call.',
    hint: 'Copy arguments before the first await.',
    async run(context) {
      const store = await context.open();
      const extra = { list: [1, 2], nested: { deep: 'kept' } };
      const init = { refreshToken: context.secret('refresh'), extra };
      const saving = store.saveToken(new OAuthToken(init));
      spoil(extra);
      const saved = await saving;
      const before = recordOf(saved);
      expectSame(
        before['extra'],
        { list: [1, 2], nested: { deep: 'kept' } },
        'extra as it was when it was saved',
      );
      spoil(extra);
      expectSame(recordOf(await store.findTokenById(idOf(saved))), before, 'the record');
      if (context.definition.versions !== true) return;
      const version = Number(before['version']);
      const options = { ifVersion: version };
      const again = store.saveToken(saved.with({ scope: 'again' }), options);
      options.ifVersion = version + 1;
      expectSame(
        recordOf(await again)['scope'],
        'again',
        'the scope after a save over the version that its options told when it was called',
      );
    },
  },
  {
    clause: 'C13',
    title: 'every handle sees at once what another one saved, updated or deleted',
    why: 'A process that finds the old access token refreshes it again, and the provider revokes the family.',
    hint: 'Do not answer from a cache that another handle can not make invalid.',
    async run(context) {
      const [one, two] = [await context.open(), await context.open()];
      for (let round = 0; round < Math.min(60, context.rounds(20, 6)); round += 1) {
        const [writer, reader] = round % 2 === 0 ? [one, two] : [two, one];
        const token = context.token({ clientId: context.value('client') });
        expectNull(await reader.findToken(token), 'what the reader finds before the save');
        expectSame(await iterated(context, reader), [], 'what tokens() gives before the save');
        expectSame((await reader.getTokens()).length, 0, 'the number of records before the save');
        const id = idOf(await writer.saveToken(token));
        for (let update = 0; update < 3; update += 1) {
          const accessToken = context.secret('access');
          await writer.saveToken(
            new OAuthToken({ userSignature: token.userSignature, accessToken }),
          );
          const user = new OAuthToken({ userSignature: token.userSignature });
          const refresh = new OAuthToken({ refreshToken: token.refreshToken });
          for (const [how, found] of [
            ['by user', await reader.findToken(user)],
            ['by refresh token', await reader.findToken(refresh)],
            ['by the new access token', await reader.findToken(new OAuthToken({ accessToken }))],
            ['by id', await reader.findTokenById(id)],
            // Before the list, which may be read anew where this is not.
            ...(await iterated(context, reader)).map((one) => ['by tokens()', one] as const),
            ['in the list', (await reader.getTokens())[0] ?? null],
          ] as const) {
            expectSame(
              found && recordOf(found)['accessToken'],
              accessToken,
              `the access token that the other handle reads ${how}`,
            );
          }
        }
        if (round % 3 === 0) await writer.deleteTokens();
        else await writer.deleteToken(id);
        expectNull(
          await reader.findTokenById(id),
          'what the other handle finds by id after the delete',
        );
        expectNull(await reader.findToken(token), 'what the other handle finds after the delete');
        expectSame(await iterated(context, reader), [], 'what tokens() gives after the delete');
        expectSame((await reader.getTokens()).length, 0, 'the number of records after the delete');
      }
    },
  },
  {
    clause: 'C13',
    title: 'a key that another handle has replaced leads to the record no more, for a save either',
    why: 'A user gets the login of another, whose it is since somebody else has renamed it.',
    hint: 'Remember nowhere which record a key led to: look it up in the storage, for every find and every save.',
    async run(context) {
      const [reader, writer] = [await context.open(), await context.open()];
      for (const key of ['userSignature', ...TOKEN_KEYS] as const) {
        const { [key]: before } = context.everyField();
        const { [key]: after } = context.everyField();
        if (before === undefined) continue;
        // A key alone, for which a handle may remember the record, and something to save by it.
        const [old, next] = [new OAuthToken({ [key]: before }), new OAuthToken({ [key]: after })];
        const login = (): OAuthToken =>
          key === 'userSignature' ? old.with({ accessToken: context.secret('access') }) : old;
        const id = idOf(await reader.saveToken(login()));
        await reader.saveToken(login());
        expectSame(idOf(await reader.findToken(old)), id, `the id that the ${key} finds`);
        const renamed = recordOf(await writer.saveToken(next.with({ id })));
        expectNull(await reader.findToken(old), `what the ${key} that was replaced finds`);
        expectSame(idOf(await reader.findToken(next)), id, `the id that its new ${key} finds`);
        const another = idOf(await reader.saveToken(login()));
        expect(
          another !== id,
          `a save by the ${key} that was replaced to add a record`,
          'it updated the one that had it before',
        );
        expectSame(
          recordOf(await writer.findTokenById(id)),
          renamed,
          `the record that had that ${key} before`,
        );
        await reader.deleteTokens();
      }
    },
  },
];

/** Does to an object what a careless caller may do. */
function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const name of Reflect.ownKeys(value)) {
    spoil(Reflect.get(value, name));
    if (!Array.isArray(value)) Reflect.set(value, name, 'spoilt');
  }
  if (Array.isArray(value) && !Object.isFrozen(value)) value.push('spoilt');
  Reflect.set(value, 'spoilt', true);
}
