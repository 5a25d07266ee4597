import { MAX_FIELD_BYTES, OAuthToken, type TokenInit } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import type { CheckContext } from '../check-context.ts';
import {
  expect,
  expectFields,
  expectNull,
  expectOne,
  expectRefused,
  expectSame,
  idOf,
  idsIn,
  recordOf,
  recordsIn,
  versionOf,
} from '../expectations.ts';
import { KEYS, TOKEN_KEYS } from '../keys.ts';

// What is right by itself, and goes wrong together with something else: two options, two records,
// two calls at once.

const OWNERS = ['issuer', 'resource'] as const;

/** What belongs into a URL, and is no difference to a program that compares URLs. */
const NEAR_NEIGHBOURS = [
  'https://idp.example',
  'https://idp.example/',
  'https://IDP.example',
  'https://idp.example:443',
  'https://idp.example/a/..',
];

/** What two values are put together with. */
const SEPARATORS = ['\0', '\u001f', '\n', ' ', ',', ';', ':', '|', '/', '#', '-', '_', '.', '&'];

export const combinedChecks: readonly Check[] = [
  {
    clause: 'C18',
    title: 'a field is cleared by whichever key the record is meant, under a condition too',
    why: 'A secret that was thought to be gone stays, as the save had another option beside clear.',
    hint: 'Let every way to the record end in one update, which clears.',
    async run(context) {
      const store = await context.open();
      const hasVersions = context.definition.versions === true;
      for (const key of KEYS) {
        for (const isConditional of hasVersions ? [false, true] : [false]) {
          const { clientSecret, ...rest } = context.everyField();
          const before = await store.saveToken(new OAuthToken({ ...rest, clientSecret }));
          const id = idOf(before);
          const token = new OAuthToken(key === 'id' ? { id } : { [key]: rest[key] });
          const condition = isConditional ? { ifVersion: versionOf(before), ifExists: true } : {};
          await store.saveToken(token, { ...condition, clear: ['clientSecret'] });
          expectFields(
            await store.findTokenById(id),
            rest,
            `the record after its clientSecret was cleared by its ${key}${isConditional ? ', with ifVersion and ifExists' : ''}`,
          );
          await store.deleteTokens();
        }
      }
    },
  },
  {
    clause: 'C18',
    title: 'a field that is cleared does not come back from a record that the same save absorbs',
    why: 'The scope that was given back is that of the other record by now.',
    hint: 'Clear last: after the merge, and after what is taken over from absorbed records.',
    async run(context) {
      const store = await context.open();
      const { record, absorb } = await twoRecords(context);
      await store.saveToken(absorb, { clear: ['scope', 'redirectUrl'] });
      const only = recordOf(expectOne(await store.getTokens(), 'what the save left'));
      expectSame(only['id'], record, 'the id of the record that was kept');
      for (const field of ['scope', 'redirectUrl']) {
        expectSame(only[field], undefined, `the ${field} that the save has cleared`);
      }
    },
  },
  {
    clause: 'C6',
    title: 'saveToken gives the record as it is stored where it has absorbed another, too',
    why: 'A program goes on with the token that it was given: with half of the login.',
    hint: 'Give out what was written, and not what was computed before it.',
    async run(context) {
      const store = await context.open();
      const { record, absorb } = await twoRecords(context);
      const saved = recordOf(await store.saveToken(absorb));
      expectSame(saved, recordOf(await store.findTokenById(record)), 'what the save gave');
    },
  },
  {
    clause: 'C5',
    title: 'a record is absorbed where only one of both names an issuer or a resource',
    why: 'A login that was first saved without its issuer stays beside the one that names it.',
    hint: 'A side that names none agrees with any: (issuer = ? OR issuer IS NULL), or no condition where the token names none.',
    async run(context) {
      const store = await context.open();
      for (const owner of OWNERS) {
        const named: TokenInit = context.kept({ [owner]: NEAR_NEIGHBOURS[0] });
        for (const [ofFirst, ofSecond] of [
          [{}, named],
          [named, {}],
        ] as const) {
          const user = { userSignature: { name: context.value('user') }, ...ofFirst };
          const refreshToken = context.secret('refresh');
          const accessToken = context.secret('access');
          const first = await store.saveToken(new OAuthToken({ ...user, accessToken }));
          await store.saveToken(new OAuthToken({ ...ofSecond, refreshToken }));
          await store.saveToken(new OAuthToken({ ...user, refreshToken }));
          const only = expectOne(
            await store.getTokens(),
            `what a save left whose refresh token a record without a user had (${owner}: ${ofFirst === named ? 'named by the save' : 'named by that record'})`,
          );
          expectSame(idOf(only), idOf(first), 'the id of the record that was kept');
          await store.deleteTokens();
        }
      }
    },
  },
  {
    clause: 'M2',
    title: 'issuers and resources are texts: what is the same URL is not the same',
    why: 'RFC 8414 has issuers compared character by character: two of them may be two providers.',
    hint: 'Compare with ===, or in a column with a binary collation, and normalise nothing.',
    async run(context) {
      const store = await context.open();
      for (const owner of OWNERS) {
        if (context.kept({ [owner]: 'x' })[owner] === undefined) continue;
        for (const [at, value] of NEAR_NEIGHBOURS.entries()) {
          const token = context.token({ [owner]: value });
          await store.saveToken(token);
          for (const other of NEAR_NEIGHBOURS.toSpliced(at, 1)) {
            const found = await store.findToken(
              new OAuthToken({ userSignature: token.userSignature, [owner]: other }),
            );
            expectNull(found, `what a token of the ${owner} ${other} finds of one of ${value}`);
          }
        }
      }
    },
  },
  {
    clause: 'M4',
    title: 'several users with the same refresh, grant or access token: nothing is guessed',
    why: 'The first one that comes is another user, by chance.',
    hint: 'Look for two records, and refuse where there are two, whatever the key.',
    async run(context) {
      const store = await context.open();
      for (const key of TOKEN_KEYS) {
        const shared = { [key]: context.secret(key) };
        for (const name of ['user', 'other']) {
          const userSignature = { name: context.value(name) };
          await store.saveToken(new OAuthToken({ userSignature, ...shared }));
        }
        const before = await recordsIn(store);
        const token = new OAuthToken(shared);
        const what = `by a ${key} that two users have`;
        await expectRefused(store.findToken(token), 'AMBIGUOUS_TOKEN', `a find ${what}`);
        const change = token.with({ redirectUrl: 'https://example.com/changed' });
        await expectRefused(store.saveToken(change), 'AMBIGUOUS_TOKEN', `a save ${what}`);
        const after = await recordsIn(store);
        expectSame(after, before, 'the records after it was refused');
      }
    },
  },
  {
    clause: 'M5',
    title: 'a user and a client that put together give the text of two others are not those',
    why: 'A key that is put together of two values is the key of another user, who chooses a name for that.',
    hint: 'Two columns, or a digest of both with their lengths.',
    async run(context) {
      const store = await context.open();
      for (const separator of SEPARATORS) {
        const tokens = [
          context.token({ userSignature: { name: `a${separator}b` }, clientId: 'c' }),
          context.token({ userSignature: { name: 'a' }, clientId: `b${separator}c` }),
        ];
        const ids: string[] = [];
        const text = JSON.stringify(separator);
        for (const token of tokens) {
          const { userSignature, clientId } = token;
          const named = new OAuthToken({ userSignature, clientId });
          expectNull(await store.findToken(named), `what a name with ${text} in it finds first`);
          ids.push(idOf(await store.saveToken(token)));
        }
        expect(ids[0] !== ids[1], `two records for names with ${text} in them`, 'there was one');
        for (const [at, { userSignature, clientId }] of tokens.entries()) {
          const found = await store.findToken(new OAuthToken({ userSignature, clientId }));
          expectSame(
            found && idOf(found),
            ids[at],
            `the id found by ${JSON.stringify({ userSignature, clientId })}`,
          );
        }
        await store.deleteTokens();
      }
    },
  },
  {
    clause: 'C3',
    title: 'the last name of extra goes, too, when it is given as null',
    why: 'What a program has taken away is what it must not find again.',
    hint: 'Write extra where it has become empty as well: "if there is something in it" keeps the old one.',
    async run(context) {
      const store = await context.open();
      const token = context.token(context.kept({ extra: { note: context.secret('extra') } }));
      await store.saveToken(token);
      await store.saveToken(token.with({ extra: { note: null } }));
      const { extra = {} } = recordOf(await store.findToken(token));
      expectSame(extra, {}, 'extra after its only name was given as null');
    },
  },
  {
    clause: 'C15',
    title: 'a save whose extra is too long once it is merged changes nothing',
    why: 'The new access token is there, and what it belongs to is not.',
    hint: 'Merge and check first, and write everything in one step.',
    async run(context) {
      const store = await context.open();
      const long = 'x'.repeat(MAX_FIELD_BYTES * 0.6);
      if (context.kept({ extra: { a: long } }).extra === undefined) return;
      const token = context.token({ extra: { a: long } });
      const before = recordOf(await store.saveToken(token));
      const { userSignature } = token;
      const accessToken = context.secret('access');
      await expectRefused(
        store.saveToken(new OAuthToken({ userSignature, accessToken, extra: { b: long } })),
        // Whoever checks the record, and not the token, finds out later.
        ['INVALID_TOKEN', 'RECORD_CORRUPT'],
        'a save that would make extra longer than 64 KiB',
      );
      expectSame(recordOf(await store.findToken(token)), before, 'the record after that');
    },
  },
  {
    clause: 'C10',
    title: 'a record keeps its place in the list when its user or its tokens change',
    why: 'A page that is asked for by its place shows one login twice and another never.',
    hint: 'Update, where others delete and insert; sort by a number that is given once.',
    async run(context) {
      const store = await context.open();
      const ids: string[] = [];
      for (let count = 0; count < 4; count += 1) {
        ids.push(idOf(await store.saveToken(context.token())));
      }
      for (const id of ids) {
        const { userSignature, refreshToken, accessToken } = context.token();
        for (const change of [{ userSignature }, { refreshToken }, { accessToken }]) {
          await store.saveToken(new OAuthToken({ id, ...change }));
          const listed = await idsIn(store);
          expectSame(listed, ids, `the ids in the list after ${Object.keys(change)} was changed`);
        }
      }
    },
  },
  {
    clause: 'V1',
    title: 'the version grows from that of the record, whichever version the token carries',
    why: 'A version that was there before lets a save with ifVersion write over what it never saw.',
    hint: 'Compute it in the database from the row: version = version + 1.',
    async run(context) {
      const store = await context.open();
      const token = context.token();
      const first = await store.saveToken(token);
      let last = versionOf(first);
      for (const version of [undefined, undefined, last, 40, last]) {
        const saved = await store.saveToken(token.with({ id: idOf(first), version }));
        const next = versionOf(saved);
        expect(
          next > last && next < 40,
          `a save of a token that carries version ${version} over version ${last} to give the next`,
          `it gave ${next}`,
        );
        last = next;
      }
    },
  },
  {
    clause: 'V1',
    title: 'no version comes again after the record was deleted, in the next process either',
    why: 'A process that holds version 1 of what was deleted writes over what was added since.',
    hint: 'Keep the highest version that was deleted beside the records.',
    async run(context) {
      if (context.definition.durable !== true) return;
      const place = await context.mainPlace();
      const token = context.token({ id: context.value('id') });
      const store = await context.open(place);
      for (let count = 0; count < 3; count += 1) await store.saveToken(token);
      const deleted = versionOf(await store.findToken(token), 'what findToken gave');
      await store.deleteToken(token.id ?? '');
      await store.close();
      const again = await (await context.open(place)).saveToken(token);
      expect(
        versionOf(again) > deleted,
        `a version above ${deleted} for a record under the id of one that was deleted`,
        `it was ${versionOf(again)}`,
      );
    },
  },
  {
    clause: 'A2',
    title: 'names of extra that concurrent saves add are all kept',
    why: 'Two programs keep notes beside one login, and one of them loses its own.',
    hint: 'Merge extra under the lock, or compare a version when you write.',
    async run(context) {
      if (context.kept({ extra: { a: 1 } }).extra === undefined) return;
      for (let round = 0; round < context.rounds(20, 5); round += 1) {
        await using inner = context.nested();
        const stores = await inner.openMany(3);
        const token = inner.token();
        await stores[0]?.saveToken(token);
        const { userSignature } = token;
        const names = Array.from({ length: 9 }, (_, at) => `note-${at}`);
        await Promise.all(
          names.map(async (name, at) => {
            await inner.interleave();
            const save = new OAuthToken({ userSignature, extra: { [name]: at } });
            await stores[at % stores.length]?.saveToken(save);
          }),
        );
        const { extra } = recordOf(await stores[1]?.findToken(token));
        const wanted = Object.fromEntries(names.map((name, at) => [name, at]));
        expectSame(extra, wanted, `extra after ${names.length} concurrent saves of a name each`);
      }
    },
  },
  {
    clause: 'A4',
    title: 'a save that is refused is never to be seen',
    why: 'A program refreshes with a token that was never stored.',
    hint: 'Check first and write then, in one step; what is written and taken back is seen.',
    async run(context) {
      const store = await context.open();
      const reader = await context.open(await context.mainPlace());
      const other = context.token();
      await store.saveToken(other);
      const token = context.token();
      const saved = await store.saveToken(token);
      const before = recordOf(saved);
      const id = idOf(saved);
      const accessToken = context.secret('access');
      const { userSignature } = other;
      const saves = [
        () => store.saveToken(new OAuthToken({ id, userSignature, accessToken })),
        ...(context.definition.versions === true
          ? [() => store.saveToken(token.with({ accessToken }), { ifVersion: 99 })]
          : []),
      ];
      for (const save of saves) {
        for (let round = 0; round < context.rounds(10, 3); round += 1) {
          let isOver = false;
          const saving = async (): Promise<void> => {
            try {
              await expectRefused(save(), ['TOKEN_CONFLICT', 'VERSION_CONFLICT'], 'the save');
            } finally {
              isOver = true;
            }
          };
          const reading = async (): Promise<void> => {
            while (!isOver) {
              const seen = await reader.findTokenById(id);
              expectSame(seen && recordOf(seen), before, 'the record while a save was refused');
            }
          };
          await Promise.all([saving(), reading()]);
        }
      }
    },
  },
  {
    clause: 'C13',
    title: 'a find sees what was saved before it, though an equal one is on its way',
    why: 'A process that asks after a login is told that there is none, as another call asked before it.',
    hint: 'Calls may share a read that has not begun; never one that has.',
    async run(context) {
      const store = await context.open();
      const token = context.token();
      await store.saveToken(token);
      const wanted = new OAuthToken({ userSignature: token.userSignature });
      let isOver = false;
      // There is always one on its way, which began before the save was acknowledged.
      const asking = Array.from({ length: 3 }, async () => {
        while (!isOver) {
          await store.findToken(wanted);
          await context.interleave();
        }
      });
      try {
        for (let round = 0; round < context.rounds(20, 8); round += 1) {
          const accessToken = context.secret('access');
          await store.saveToken(token.with({ accessToken }));
          const found = recordOf(await store.findToken(wanted));
          expectSame(found['accessToken'], accessToken, 'the access token that was just saved');
        }
      } finally {
        isOver = true;
        await Promise.allSettled(asking);
      }
      await Promise.all(asking);
    },
  },
];

/** A record with a user, one with a grant, and a token that means the first and absorbs the second. */
async function twoRecords(context: CheckContext): Promise<{ record: string; absorb: OAuthToken }> {
  const store = await context.open();
  const { userSignature, clientId } = context.everyField();
  const user = { userSignature, clientId };
  const grantToken = context.secret('grant');
  const first = await store.saveToken(
    new OAuthToken({ ...user, refreshToken: context.secret('refresh') }),
  );
  const scope = context.value('scope');
  await store.saveToken(
    new OAuthToken({ grantToken, ...context.kept({ scope, redirectUrl: 'https://example.com/' }) }),
  );
  return { record: idOf(first), absorb: new OAuthToken({ ...user, grantToken }) };
}
