import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import type { CheckContext } from '../check-context.ts';
import {
  expect,
  expectNull,
  expectOne,
  expectSame,
  idOf,
  type PlainRecord,
  recordOf,
  recordsIn,
  unlessRefused,
} from '../expectations.ts';
import { causeOfError, placeOf, told } from '../failure-cause.ts';
import { iterated } from '../iterated.ts';
import { KEYS } from '../keys.ts';
import type { ObservedStore } from '../observed-store.ts';
import { PromiseBroken } from '../promise-broken.ts';
import { show } from '../show.ts';

/** What a save by a token may leave after the record has gone, besides that token. */
const MAY_BE_LEFT = ['id', 'version', 'tokenType'];

/** How many saves of one user are on their way at once. */
const SAVES = 10;

export const concurrencyChecks: readonly Check[] = [
  ...(['user', 'refreshToken', 'grantToken', 'accessToken'] as const).map(
    (key): Check => ({
      clause: 'A1',
      title: `concurrent saves of one ${key} leave one record, through one handle and through several`,
      why: 'Two requests that log in or refresh at once make two records, and then nobody knows which is right.',
      hint: 'Looking first and inserting then is a race: let the database decide, by a unique index or a transaction that takes its lock before it reads.',
      async run(context) {
        for (let round = 0; round < context.rounds(15, 5); round += 1) {
          await using inner = context.nested();
          const stores = await inner.openMany(round % 2 === 0 ? 4 : 1);
          const shared = key === 'user' ? {} : { [key]: inner.secret(key) };
          const userSignature = { name: inner.value('user') };
          const saves = Array.from(
            { length: SAVES },
            (): TokenInit =>
              key === 'user'
                ? { userSignature, refreshToken: inner.secret('refresh') }
                : { ...shared, ...inner.kept({ scope: inner.value('scope') }) },
          );
          // In every third round there is a record already, so that all of them update.
          if (round % 3 === 2)
            await inner.open().then((store) => store.saveToken(new OAuthToken(saves[0] ?? {})));
          const saved = await allSucceed(
            saves.map((init, at) => startSave(inner, stores[at % stores.length], init)),
          );
          const [store] = stores;
          const only = expectOne(
            (await store?.getTokens()) ?? [],
            `what ${SAVES} concurrent saves of one ${key} left`,
          );
          expectSame(
            [...new Set(saved.map((token) => idOf(token)))],
            [idOf(only)],
            'the ids that the saves gave',
          );
          const winner = saves.some((init) =>
            Object.entries(init).every(
              ([name, value]) => name === 'userSignature' || recordOf(only)[name] === value,
            ),
          );
          expect(winner, 'the record to be what one of the saves wrote', `it was ${show(only)}`);
        }
      },
    }),
  ),
  {
    clause: 'A2',
    title: 'what one save wrote together stays together',
    why: 'An access token with the expiry, or the refresh token, of another login is refused by the provider.',
    hint: 'Write a record in one statement or one transaction, not field by field.',
    async run(context) {
      for (let round = 0; round < context.rounds(20, 5); round += 1) {
        await using inner = context.nested();
        const stores = await inner.openMany(3);
        const userSignature = { name: inner.value('user') };
        const saves = Array.from({ length: SAVES }, () => taggedSave(inner, userSignature));
        await allSucceed(
          saves.map((init, at) => startSave(inner, stores[at % stores.length], init)),
        );
        const only = expectOne((await stores[0]?.getTokens()) ?? [], 'what the saves left');
        requireWhole(inner, recordOf(only), 'the record that the saves left');
      }
    },
  },
  {
    clause: 'A2',
    title: 'concurrent saves of different fields of one record are all kept',
    why: 'A save that writes back what it read a moment ago undoes what another one saved meanwhile: a lost update.',
    hint: 'Read and write in one transaction that locks, or compare a version when you write, and begin anew.',
    async run(context) {
      // Each key is a way of its own to the record: none is left out.
      const keys = keysOf(context);
      const rounds = keys.length * context.rounds(5, 2);
      for (let round = 0; round < rounds; round += 1) {
        await using inner = context.nested();
        const stores = await inner.openMany(3);
        const key = keys[round % keys.length] ?? 'id';
        const token = inner.token(inner.kept({ grantToken: inner.secret('grant') }));
        const saved = recordOf(await stores[0]?.saveToken(token));
        const meant: TokenInit = tokenBy(key, saved);
        const changes = inner.kept({
          scope: inner.value('scope'),
          apiDomain: inner.value('api'),
          redirectUrl: inner.value('redirect'),
          tokenType: inner.value('type'),
          lease: inner.value('lease'),
          clientSecret: inner.secret('client'),
          expiresAt: 1_900_000_000_000,
        });
        const saves = Object.entries(changes).map(([name, value]) => ({
          ...meant,
          [name]: value,
        }));
        await allSucceed(
          saves.map((init, at) => startSave(inner, stores[at % stores.length], init)),
        );
        const found = await stores[1]?.findToken(new OAuthToken(meant));
        const record = recordOf(found);
        for (const [name, value] of Object.entries(changes)) {
          expectSame(
            record[name],
            value,
            `the ${name} that one of ${saves.length} concurrent saves by the ${key} wrote`,
          );
        }
      }
    },
  },
  {
    clause: 'A3',
    title: 'concurrent saves for different users lose none',
    why: 'A login that was acknowledged and is not there has spent its grant for nothing.',
    hint: 'Do not write a whole file or list back that was read before another save; lock it.',
    async run(context) {
      for (let round = 0; round < context.rounds(6, 3); round += 1) {
        await using inner = context.nested();
        const stores = await inner.openMany(4);
        const tokens = Array.from({ length: 40 }, () => inner.token());
        const saved = await allSucceed(
          tokens.map((token, at) => startSave(inner, stores[at % stores.length], token)),
        );
        const listed = (await stores[3]?.getTokens()) ?? [];
        expectSame(listed.length, tokens.length, 'the number of records');
        expectSame(
          new Set(listed.map((token) => idOf(token))),
          new Set(saved.map((token) => idOf(token))),
          'the ids in the list',
        );
        for (const token of tokens) {
          const found = await stores[1]?.findToken(
            new OAuthToken({ refreshToken: token.refreshToken }),
          );
          expectSame(
            found && recordOf(found)['accessToken'],
            token.accessToken,
            'the access token of one of them',
          );
        }
      }
    },
  },
  {
    clause: 'A4',
    title: 'a reader finds the record at any moment of its updates, and finds it whole',
    why: 'A reader that finds nothing for a moment logs in again; one that finds half of it is refused.',
    hint: 'Replace a record in one step. Deleting and inserting is two, unless one transaction holds both.',
    async run(context) {
      for (let round = 0; round < context.rounds(8, 3); round += 1) {
        await using inner = context.nested();
        const [writer, ...readers] = await inner.openMany(3);
        const userSignature = { name: inner.value('user') };
        const saved = await writer?.saveToken(new OAuthToken(taggedSave(inner, userSignature)));
        const id = idOf(saved);
        let writing = true;
        const write = async (): Promise<void> => {
          for (let count = 0; count < 12; count += 1) {
            await startSave(inner, writer, taggedSave(inner, userSignature));
          }
        };
        const read = async (reader: ObservedStore, at: number): Promise<void> => {
          while (writing) {
            const how = (at + inner.below(3)) % 3;
            const found =
              how === 0
                ? await reader.findToken(new OAuthToken({ userSignature }))
                : how === 1
                  ? await reader.findTokenById(id)
                  : expectOne(await reader.getTokens(), 'the list while its record is updated');
            expect(
              found !== null,
              'a reader to find the record while it is updated',
              'it found null',
            );
            requireWhole(
              inner,
              recordOf(found),
              'what a reader found while the record was updated',
            );
            await new Promise((resolve) => setImmediate(resolve));
          }
        };
        const finish = async (): Promise<void> => {
          try {
            await write();
          } finally {
            writing = false;
          }
        };
        await Promise.all([
          finish(),
          ...readers.flatMap((reader) => [read(reader, 0), read(reader, 1)]),
        ]);
      }
    },
  },
  {
    clause: 'A4',
    title:
      'each key that a record keeps finds it at any moment of its updates, and so does each list',
    why: 'A reader that finds nothing for a moment logs in again, and spends a grant for nothing.',
    hint: 'Leave what leads to a record as it is where its key stays; or replace it in the same step.',
    async run(context) {
      for (let round = 0; round < context.rounds(8, 3); round += 1) {
        await using inner = context.nested();
        const [writer, reader] = await inner.openMany(2);
        if (writer === undefined || reader === undefined) return;
        const keys = keysOf(inner);
        const token = inner.token(inner.kept({ grantToken: inner.secret('grant') }));
        const saved = recordOf(await writer.saveToken(token));
        const ways = [
          ...keys.map((key) => async (): Promise<readonly [string, OAuthToken | null]> => {
            const found = await reader.findToken(new OAuthToken(tokenBy(key, saved)));
            return [key, found];
          }),
          async () => ['list', (await reader.getTokens())[0] ?? null] as const,
          ...(context.definition.iterable === true
            ? [async () => ['tokens()', (await iterated(inner, reader))[0] ?? null] as const]
            : []),
        ];
        let writing = true;
        const read = async (look: (typeof ways)[number]): Promise<void> => {
          while (writing) {
            const [way, found] = await look();
            expectSame(
              found && idOf(found),
              saved['id'],
              `the id of the record by its ${way} while it is updated`,
            );
            await new Promise((resolve) => setImmediate(resolve));
          }
        };
        const write = async (): Promise<void> => {
          try {
            for (const key of keys) {
              const change = inner.kept({ tokenType: inner.value('type') });
              await startSave(inner, writer, { ...tokenBy(key, saved), ...change });
            }
          } finally {
            writing = false;
          }
        };
        await Promise.all([write(), ...ways.map(read)]);
      }
    },
  },
  {
    clause: 'A4',
    title: 'a record that absorbs another can be found by what both had, at any moment',
    why: 'A reader that comes between the two steps finds no login where there were two.',
    hint: 'Update the one and delete the other in one transaction.',
    async run(context) {
      for (let round = 0; round < context.rounds(10, 5); round += 1) {
        await using inner = context.nested();
        const [writer, reader] = await inner.openMany(2);
        const user = inner.token();
        const refreshToken = inner.secret('refresh');
        await writer?.saveToken(user);
        await writer?.saveToken(new OAuthToken({ refreshToken }));
        let writing = true;
        const read = async (): Promise<void> => {
          while (writing) {
            for (const init of [{ refreshToken }, { userSignature: user.userSignature }]) {
              const found = await reader?.findToken(new OAuthToken(init));
              expect(
                found !== null,
                `${show(init)} to find a record while one absorbs the other`,
                'it found null',
              );
            }
            await new Promise((resolve) => setImmediate(resolve));
          }
        };
        const write = async (): Promise<void> => {
          try {
            await startSave(inner, writer, { userSignature: user.userSignature, refreshToken });
          } finally {
            writing = false;
          }
        };
        await Promise.all([read(), write()]);
      }
    },
  },
  {
    clause: 'A5',
    title: 'deleteTokens beside saves leaves each record whole or gone',
    why: 'A record that can be found by one key and not by another is a login that works by turns.',
    hint: 'Delete records together with all that leads to them.',
    async run(context) {
      for (let round = 0; round < context.rounds(10, 5); round += 1) {
        await using inner = context.nested();
        const stores = await inner.openMany(3);
        const before = Array.from({ length: 6 }, () =>
          taggedSave(inner, { name: inner.value('user') }),
        );
        for (const init of before) await stores[0]?.saveToken(new OAuthToken(init));
        const during = Array.from({ length: 10 }, (_, at) =>
          taggedSave(inner, at < 4 ? before[at]?.userSignature : { name: inner.value('user') }),
        );
        const saves = during.map((init, at) => startSave(inner, stores[at % stores.length], init));
        await inner.interleave();
        const deleting = stores[2]?.deleteTokens();
        await allSucceed(saves);
        await deleting;
        const listed = (await stores[1]?.getTokens()) ?? [];
        const users = listed.map((token) => recordOf(token)['userName']);
        expectSame(new Set(users).size, users.length, 'the number of users in the list, each once');
        for (const token of listed) requireWhole(inner, recordOf(token), 'a record that is left');
        const gone = before.slice(4).map(({ userSignature }) => userSignature?.name);
        expectSame(
          users.filter((user) => gone.includes(String(user))),
          [],
          'the users that are left of those who were saved before deleteTokens and not again',
        );
        for (const init of [...before, ...during]) {
          const left = listed.find((token) => recordOf(token)['accessToken'] === init.accessToken);
          for (const key of ['refreshToken', 'accessToken'] as const) {
            const found =
              (await stores[0]?.findToken(new OAuthToken({ [key]: init[key] }))) ?? null;
            if (left === undefined)
              expectNull(found, `what the ${key} of a record that is gone finds`);
            else
              expectSame(
                found && recordOf(found),
                recordOf(left),
                `what the ${key} of a record that is left finds`,
              );
          }
        }
        await stores[1]?.deleteTokens();
        expectSame(await stores[0]?.getTokens(), [], 'the list after a last deleteTokens');
      }
    },
  },
  {
    clause: 'A5',
    title: 'deleteToken beside saves of the same user leaves one whole record or none',
    why: 'A logout beside a refresh must not leave half a login.',
    hint: 'Let a save and a delete of one record wait for each other.',
    async run(context) {
      for (let round = 0; round < context.rounds(15, 5); round += 1) {
        await using inner = context.nested();
        const stores = await inner.openMany(2);
        const userSignature = { name: inner.value('user') };
        const id = idOf(
          await stores[0]?.saveToken(new OAuthToken(taggedSave(inner, userSignature))),
        );
        const saves = Array.from({ length: 4 }, (_, at) =>
          startSave(inner, stores[at % 2], taggedSave(inner, userSignature)),
        );
        await inner.interleave();
        await Promise.all([allSucceed(saves), stores[1]?.deleteToken(id)]);
        const listed = (await stores[0]?.getTokens()) ?? [];
        expect(
          listed.length <= 1,
          'one record or none',
          `there were ${listed.length}: ${show(listed)}`,
        );
        const [left] = listed;
        const found = (await stores[1]?.findToken(new OAuthToken({ userSignature }))) ?? null;
        if (left === undefined) expectNull(found, 'what the user finds');
        else {
          requireWhole(inner, recordOf(left), 'the record that is left');
          expectSame(found && recordOf(found), recordOf(left), 'what the user finds');
        }
      }
    },
  },
  {
    clause: 'A5',
    title:
      'a record that is deleted beside saves by any of its keys has gone, with all that it had',
    why: 'A refresh that ends after the logout brings the login back, and nobody takes it away again.',
    hint: 'Look for the record and write it in one step: what is written under an id has to be there still.',
    async run(context) {
      const keys = keysOf(context);
      const rounds = keys.length * context.rounds(5, 3);
      for (let round = 0; round < rounds; round += 1) {
        await using inner = context.nested();
        const [store, other] = await inner.openMany(2);
        if (store === undefined || other === undefined) return;
        const key = keys[round % keys.length] ?? 'id';
        const { clientId: _client, ...every } = inner.everyField();
        const record = recordOf(await store.saveToken(new OAuthToken(every)));
        const id = String(record['id']);
        const meant = tokenBy(key, record);
        const deleting = inner.below(2) === 0 ? other.deleteToken(id) : other.deleteTokens();
        const saves = [store, other, store].map((handle) =>
          // By a key that is no token there is nothing to add any more: INVALID_TOKEN.
          unlessRefused(
            startSave(inner, handle, {
              ...meant,
              ...inner.kept({ tokenType: inner.value('type') }),
            }),
          ),
        );
        await Promise.all([deleting, ...saves]);
        expectNull(await store.findTokenById(id), 'what the id of a record finds that was deleted');
        const fields = (await recordsIn(other)).map((record) => Object.keys(record));
        const brought = fields.flat().filter((name) => !MAY_BE_LEFT.includes(name) && name !== key);
        expectSame(
          brought,
          [],
          `what is left of a record that was deleted beside saves by its ${key}`,
        );
        if (key === 'id' || key === 'userSignature') {
          expectSame(fields, [], `the records after a delete beside saves by the ${key}`);
        }
      }
    },
  },
];

/** The keys that the store keeps. */
function keysOf(context: CheckContext): readonly (typeof KEYS)[number][] {
  const every = context.everyField();
  return KEYS.filter((key) => key === 'id' || every[key] !== undefined);
}

/** What means a record by one of its keys alone. */
function tokenBy(key: (typeof KEYS)[number], record: PlainRecord): TokenInit {
  return key === 'userSignature'
    ? { userSignature: { name: String(record['userName']) } }
    : { [key]: String(record[key]) };
}

/** A save in which every value says the same tag, so that a mixture of two shows. */
function taggedSave(context: CheckContext, userSignature: TokenInit['userSignature']): TokenInit {
  return { userSignature, ...taggedFields(context, context.secret('tag')) };
}

function taggedFields(context: CheckContext, tag: string): TokenInit {
  return context.kept({
    refreshToken: `${tag}-refresh`,
    accessToken: `${tag}-access`,
    apiDomain: `${tag}-api`,
    scope: tag,
    extra: { tag },
  });
}

/** That every value of a record says the same tag. */
function requireWhole(
  context: CheckContext,
  record: Readonly<Record<string, unknown>>,
  what: string,
): void {
  const tag = String(record['accessToken']).replace(/-access$/, '');
  const wanted = taggedFields(context, tag);
  const got = Object.fromEntries(Object.keys(wanted).map((name) => [name, record[name]]));
  expectSame(got, wanted, `${what}, whose access token says ${tag},`);
}

/** Starts a save after some turns of the event loop, so that saves meet in more than one way. */
async function startSave(
  context: CheckContext,
  store: ObservedStore | undefined,
  init: TokenInit | OAuthToken,
): Promise<OAuthToken> {
  await context.interleave();
  if (store === undefined) throw new TypeError('no store was opened');
  return store.saveToken(init instanceof OAuthToken ? init : new OAuthToken(init));
}

async function allSucceed<T>(calls: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(calls);
  return settled.map((one) => {
    if (one.status === 'fulfilled') return one.value;
    if (one.reason instanceof PromiseBroken) throw one.reason;
    throw new PromiseBroken(
      'no concurrent save to fail because of the others',
      `one failed with ${told(one.reason)}`,
      { cause: causeOfError(one.reason), where: placeOf(one.reason) },
    );
  });
}
