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
import { show } from '../show.ts';

export const matchingChecks: readonly Check[] = [
  {
    clause: 'M1',
    title: 'the first key that leads to a record decides, in the order of the contract',
    why: 'Two stores that try keys in another order give a program two different tokens.',
    hint: 'Use findMatch(token, candidates) of @tokenkeep/core, or try keysOf(token) one after the other.',
    async run(context) {
      const store = await context.open();
      const user = { name: context.value('user') };
      const [access, grant, refresh] = [
        context.secret('access'),
        context.secret('grant'),
        context.secret('refresh'),
      ];
      const ids: Record<string, string> = {};
      const save = async (name: string, init: TokenInit): Promise<void> => {
        ids[name] = idOf(await store.saveToken(new OAuthToken(init)));
      };
      await save('id', { id: context.value('id'), refreshToken: context.secret('refresh') });
      await save('user', { userSignature: user, refreshToken: context.secret('refresh') });
      await save('access', { accessToken: access });
      await save('grant', { grantToken: grant });
      await save('refresh', { refreshToken: refresh });
      const all = {
        id: ids['id'],
        userSignature: user,
        accessToken: access,
        grantToken: grant,
        refreshToken: refresh,
      };
      const { id: _id, ...noId } = all;
      const { userSignature: _user, ...tokens } = noId;
      const { accessToken: _access, ...noAccess } = tokens;
      const clientId = context.value('client');
      const cases: readonly [string, TokenInit, string][] = [
        ['with every key', all, 'id'],
        ['without an id', noId, 'user'],
        ['with all three tokens and no client', tokens, 'access'],
        ['with a grant and a refresh token', noAccess, 'grant'],
        ['with all three tokens and a clientId', { ...tokens, clientId }, 'grant'],
        [
          'with all three tokens and a clientSecret',
          { ...tokens, clientSecret: context.secret('client') },
          'grant',
        ],
        [
          'with a refresh and an access token and a clientId',
          { clientId, accessToken: access, refreshToken: refresh },
          'refresh',
        ],
        [
          'with a refresh and an access token and no client',
          { accessToken: access, refreshToken: refresh },
          'access',
        ],
        ['with an id that no record has', { ...all, id: context.value('id') }, 'user'],
        [
          'with a user that no record has',
          { userSignature: { name: context.value('user') }, refreshToken: refresh },
          'refresh',
        ],
        ['with a clientId and an access token', { clientId, accessToken: access }, 'access'],
      ];
      for (const [what, init, expected] of cases) {
        const found = await store.findToken(new OAuthToken(init));
        const at = Object.keys(ids).find(
          (name) => found !== null && ids[name] === recordOf(found)['id'],
        );
        expectSame(at, expected, `the key by which a token ${what} finds its record`);
      }
    },
  },
  {
    clause: 'M1',
    title: 'each key alone finds the record',
    why: 'A refresh token that finds nothing means a new login.',
    hint: 'Look up every key that the token has: id, user name, grant, refresh and access token.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const id = idOf(await store.saveToken(new OAuthToken(every)));
      const alone: readonly TokenInit[] = [
        { id },
        { userSignature: every.userSignature },
        { grantToken: every.grantToken },
        { refreshToken: every.refreshToken },
        { accessToken: every.accessToken },
      ];
      for (const init of alone) {
        for (const client of [{}, { clientId: every.clientId }]) {
          expectFields(
            await store.findToken(new OAuthToken({ ...init, ...client })),
            every,
            `what ${Object.keys(init).join()} alone finds`,
          );
        }
      }
    },
  },
  {
    clause: 'M2',
    title: 'a user name finds the record of the client that the token names',
    why: 'The token of one app, used by another, has other rights, or is refused, or is billed to the wrong one.',
    hint: 'Where the token names a client, take only records that name the same client or none.',
    async run(context) {
      const store = await context.open();
      const userSignature = { name: context.value('user') };
      const mine = context.token({ userSignature, clientId: context.value('client') });
      const other = context.token({ userSignature, clientId: context.value('client') });
      await store.saveToken(mine);
      await store.saveToken(other);
      expectSame(
        (await store.getTokens()).length,
        2,
        'the number of records of one user of two clients',
      );
      for (const token of [mine, other]) {
        const found = await store.findToken(
          new OAuthToken({ userSignature, clientId: token.clientId }),
        );
        expectSame(
          found && recordOf(found)['refreshToken'],
          token.refreshToken,
          `the refresh token of client ${show(token.clientId)}`,
        );
      }
      const third = new OAuthToken({ userSignature, clientId: context.value('client') });
      expectNull(await store.findToken(third), 'what a third client of that user finds');
    },
  },
  {
    clause: 'M2',
    title: 'a grant, refresh or access token finds nothing for another user or another client',
    why: 'A token that was leaked to another account would be taken for its own.',
    hint: 'Check the user and the client of the record on every key, not only on the user name.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      await store.saveToken(new OAuthToken(every));
      for (const name of ['grantToken', 'refreshToken', 'accessToken'] as const) {
        const key = { [name]: every[name] };
        const otherUser = { ...key, userSignature: { name: context.value('user') } };
        const otherClient = { ...key, clientId: context.value('client') };
        expectNull(
          await store.findToken(new OAuthToken(otherUser)),
          `what the ${name} finds for another user`,
        );
        expectNull(
          await store.findToken(new OAuthToken(otherClient)),
          `what the ${name} finds for another client`,
        );
        expectFields(
          await store.findToken(new OAuthToken(key)),
          every,
          `what the ${name} alone finds`,
        );
        const full = { ...key, userSignature: every.userSignature, clientId: every.clientId };
        expectFields(
          await store.findToken(new OAuthToken(full)),
          every,
          `what the ${name} finds for its own user and client`,
        );
      }
    },
  },
  {
    clause: 'M2',
    title: 'by no key does a match cross an issuer or a resource, and no name is taken across them',
    why: 'A token that one server issued is sent to the other, or a login is refused that is the first of its kind.',
    hint: 'Compare issuer and resource wherever user and client are compared.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      await store.saveToken(new OAuthToken(every));
      for (const owner of ['issuer', 'resource'] as const) {
        if (every[owner] === undefined) continue;
        const other = { [owner]: `${every[owner]}2` };
        for (const key of ['userSignature', 'grantToken', 'refreshToken', 'accessToken'] as const) {
          expectNull(
            await store.findToken(new OAuthToken({ [key]: every[key], ...other })),
            `what the ${key} finds for another ${owner}`,
          );
        }
        const { userSignature, clientId } = every;
        const id = context.value('id');
        const named = context.token({ id, userSignature, clientId, ...other });
        const saved = await store.saveToken(named);
        expectSame(idOf(saved), id, `the id of a record of the same user, of another ${owner}`);
        await store.saveToken(named.with({ accessToken: context.secret('access') }));
        await store.deleteToken(id);
      }
      expectFields(expectOne(await store.getTokens(), 'the list'), every, 'the record after that');
    },
  },
  {
    clause: 'M2',
    title: 'a save for another user or client leaves the record alone and adds its own',
    why: 'A save that crosses users overwrites the only refresh token of somebody else.',
    hint: 'Decide what to update by the same rules as what to find.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const id = idOf(await store.saveToken(new OAuthToken(every)));
      const { refreshToken, userSignature, clientId } = every;
      await store.saveToken(
        new OAuthToken({ refreshToken, userSignature: { name: context.value('user') }, clientId }),
      );
      await store.saveToken(
        new OAuthToken({ refreshToken, userSignature, clientId: context.value('client') }),
      );
      expectFields(await store.findTokenById(id), every, 'the record that was there');
      expectSame((await store.getTokens()).length, 3, 'the number of records');
    },
  },
  {
    clause: 'M2',
    title: 'a side that names no user or no client agrees with any; an id is not bound by either',
    why: 'A token that was saved before its user was known must be found once it is.',
    hint: 'Where the record or the token has no user or no client, that says nothing against a match.',
    async run(context) {
      const store = await context.open();
      const bare = { refreshToken: context.secret('refresh') };
      const id = idOf(await store.saveToken(new OAuthToken(bare)));
      const named = {
        userSignature: { name: context.value('user') },
        clientId: context.value('client'),
      };
      expectFields(
        await store.findToken(new OAuthToken({ ...bare, ...named })),
        bare,
        'what a token with user and client finds',
      );
      expectFields(
        await store.findToken(new OAuthToken({ id, ...named })),
        bare,
        'what the id finds, whoever asks',
      );
    },
  },
  {
    clause: 'M3',
    title: 'a token without a key finds nothing, whatever is stored',
    why: 'The first record there is belongs to somebody.',
    hint: 'Return null before the query when the token has no key: a WHERE without conditions matches all.',
    async run(context) {
      const store = await context.open();
      const clientId = context.value('client');
      await store.saveToken(context.token({ clientId, clientSecret: context.secret('client') }));
      const keyless: readonly TokenInit[] = [
        {},
        { clientId },
        { clientId, scope: 'read', redirectUrl: 'https://example.com' },
        { expiresAt: 1_850_000_000_000, extra: { a: 1 } },
        { userSignature: { name: '' } },
      ];
      for (const init of keyless) {
        expectNull(await store.findToken(new OAuthToken(init)), `what ${show(init)} finds`);
      }
    },
  },
  {
    clause: 'M3',
    title: 'a token without a key changes no record when it is saved',
    why: 'A save without a key that updates the first record overwrites somebody.',
    hint: 'A token without a key has no match, so it is refused: there is nothing to add either.',
    async run(context) {
      const store = await context.open();
      const clientId = context.value('client');
      const saved = await store.saveToken(context.token({ clientId }));
      await expectRefused(
        store.saveToken(new OAuthToken({ clientId, scope: 'read' })),
        'INVALID_TOKEN',
        'a save without a key',
      );
      const found = await store.getTokens();
      expectSame(
        found.map((token) => recordOf(token)),
        [recordOf(saved)],
        'the records',
      );
    },
  },
  {
    clause: 'M4',
    title: 'where several records match on a key, a find is refused and says what to name',
    why: 'Whichever record is guessed, half of the time it is the wrong one, and nobody notices.',
    hint: 'Fetch all that match on a key, not LIMIT 1, and refuse with AmbiguousTokenError if there is more than one.',
    async run(context) {
      const store = await context.open();
      const userSignature = { name: context.value('user') };
      await store.saveToken(context.token({ userSignature, clientId: context.value('client') }));
      await store.saveToken(context.token({ userSignature, clientId: context.value('client') }));
      const error = await expectRefused(
        store.findToken(new OAuthToken({ userSignature })),
        'AMBIGUOUS_TOKEN',
        'a find by a user of two clients',
      );
      const message = error instanceof Error ? error.message : '';
      expect(
        /client/i.test(message),
        'the message to say that the client has to be named',
        `it was ${show(message)}`,
      );
    },
  },
  {
    clause: 'M4',
    title: 'where several records match on a key, a save is refused and nothing changes',
    why: 'A guess that is written down destroys the token of one of them.',
    hint: 'Let a save find its record by the same code as a find.',
    async run(context) {
      const store = await context.open();
      const refreshToken = context.secret('refresh');
      const first = { refreshToken, userSignature: { name: context.value('user') } };
      const second = { refreshToken, userSignature: { name: context.value('user') } };
      await store.saveToken(new OAuthToken(first));
      await store.saveToken(new OAuthToken(second));
      const before = await recordsIn(store);
      expectSame(before.length, 2, 'the number of records of two users with one refresh token');
      await expectRefused(
        store.saveToken(new OAuthToken({ refreshToken, accessToken: context.secret('access') })),
        'AMBIGUOUS_TOKEN',
        'a save by the refresh token of two users',
      );
      expectSame(await recordsIn(store), before, 'the records after it was refused');
    },
  },
];
