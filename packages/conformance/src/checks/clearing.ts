import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import { CLEARABLE_FIELDS } from '@tokenkeep/core/adapter';
import type { Check } from '../check.ts';
import {
  expectFields,
  expectNull,
  expectOne,
  expectRefused,
  expectSame,
  idOf,
  recordOf,
} from '../expectations.ts';
import { show } from '../show.ts';

export const clearingChecks: readonly Check[] = [
  {
    clause: 'C18',
    title: 'clear makes each field absent that it names, and no other',
    why: 'What can be saved and never taken away again is kept for ever: a spent grant, a scope that was given back.',
    hint: 'After the merge delete the named fields from the record, and write NULL for them.',
    async run(context) {
      const store = await context.open();
      for (const field of CLEARABLE_FIELDS) {
        const { [field]: gone, ...rest } = context.everyField();
        const whole: TokenInit = { ...rest, [field]: gone };
        const id = idOf(await store.saveToken(new OAuthToken(whole)));
        const saved = await store.saveToken(new OAuthToken({ id }), { clear: [field] });
        expectFields(saved, rest, `what a save with clear: ['${field}'] gave`);
        expectFields(await store.findTokenById(id), rest, `the record after ${field} was cleared`);
        expectFields(
          expectOne(await store.getTokens(), 'the list'),
          rest,
          'the record in the list',
        );
        await store.deleteTokens();
      }
    },
  },
  {
    clause: 'C18',
    title: 'a key that was cleared finds the record no more, and the others do',
    why: 'A refresh token that was revoked and still finds the login is used again.',
    hint: 'Take the entry of a cleared key out of the index, in the same step.',
    async run(context) {
      const store = await context.open();
      for (const field of ['userSignature', 'grantToken', 'refreshToken', 'accessToken'] as const) {
        const every = context.everyField();
        const id = idOf(await store.saveToken(new OAuthToken(every)));
        await store.saveToken(new OAuthToken({ id }), { clear: [field] });
        const key = new OAuthToken({ [field]: every[field] });
        expectNull(await store.findToken(key), `what the ${field} finds after it was cleared`);
        for (const other of [
          'userSignature',
          'grantToken',
          'refreshToken',
          'accessToken',
        ] as const) {
          if (other === field) continue;
          const found = await store.findToken(new OAuthToken({ [other]: every[other] }));
          expectSame(found && idOf(found), id, `the id that the ${other} finds after that`);
        }
        // The key is free: it does not lead back to the record.
        const { [field]: value } = every;
        await store.saveToken(context.token({ [field]: value }));
        expectSame(
          (await store.getTokens()).length,
          2,
          `the number of records after ${field} was used anew`,
        );
        await store.deleteTokens();
      }
    },
  },
  {
    clause: 'C18',
    title: 'fields are cleared and saved in one step, and a save that is refused clears nothing',
    why: 'A new login beside the scope of the old one is refused by the API.',
    hint: 'Clear in the same write as the update.',
    async run(context) {
      const store = await context.open();
      const { grantToken: _grant, scope: _scope, extra: _extra, ...kept } = context.everyField();
      const every = {
        ...kept,
        grantToken: context.secret('grant'),
        scope: 'read',
        extra: { a: 1 },
      };
      const id = idOf(await store.saveToken(new OAuthToken(every)));
      const change = { accessToken: context.secret('access'), expiresAt: 1_950_000_000_000 };
      const { userSignature, clientId } = every;
      const token = new OAuthToken({ userSignature, clientId, ...change });
      const saved = await store.saveToken(token, { clear: ['grantToken', 'scope', 'extra'] });
      expectFields(saved, { ...kept, ...change }, 'what the save gave');
      expectFields(await store.findTokenById(id), { ...kept, ...change }, 'the record');
      await store.saveToken(new OAuthToken({ id }), { clear: [] });
      expectFields(
        await store.findTokenById(id),
        { ...kept, ...change },
        'the record after clear: []',
      );
      if (context.definition.versions !== true) return;
      const before = recordOf(await store.findTokenById(id));
      await expectRefused(
        store.saveToken(token, { clear: ['refreshToken'], ifVersion: 99 }),
        'VERSION_CONFLICT',
        'a save with clear over another version',
      );
      expectSame(
        recordOf(await store.findTokenById(id)),
        before,
        'the record after it was refused',
      );
    },
  },
  {
    clause: 'C18',
    title: 'what can not be cleared is refused, and so is a field that is both given and cleared',
    why: 'A name that is misspelt and ignored leaves a secret where it was thought to be gone.',
    hint: 'Check every name of clear before anything else: INVALID_TOKEN.',
    async run(context) {
      const store = await context.open();
      const every = context.everyField();
      const id = idOf(await store.saveToken(new OAuthToken(every)));
      const before = recordOf(await store.findTokenById(id));
      const token = new OAuthToken({ id, scope: 'new' });
      for (const clear of [
        ['id'],
        ['version'],
        ['refresh_token'],
        ['refreshtoken'],
        ['toString'],
        ['scope'],
        ['grantToken', 'scope'],
        [''],
        [1],
        'grantToken',
        { grantToken: true },
        true,
        null,
        0,
      ]) {
        await expectRefused(
          store.call('saveToken', token, { clear }),
          'INVALID_TOKEN',
          `a save of a scope with clear: ${show(clear)}`,
        );
        expectSame(
          recordOf(await store.findTokenById(id)),
          before,
          'the record after it was refused',
        );
      }
    },
  },
];
