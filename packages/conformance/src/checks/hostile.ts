import { OAuthToken, type TokenInit, type TokenRecord } from '@tokenkeep/core';
import { STRING_FIELDS } from '@tokenkeep/core/adapter';
import type { Check } from '../check.ts';
import type { CheckContext } from '../check-context.ts';
import {
  expect,
  expectFields,
  expectNull,
  expectSame,
  idOf,
  recordOf,
  recordsIn,
} from '../expectations.ts';
import { hostileStrings, NEAR_PAIRS, neighboursOf } from '../hostile-strings.ts';
import { inParallel } from '../in-parallel.ts';
import { TOKEN_KEYS } from '../keys.ts';
import { show } from '../show.ts';

const KEYS = ['userName', ...TOKEN_KEYS] as const;
type Key = (typeof KEYS)[number];
/** What a match does not cross (M2), besides the user. */
const OWNERS = ['clientId', 'issuer', 'resource'] as const;

/** One and the same in every field that is a string, but for the id. */
function everyString(text: string): TokenInit {
  const fields = STRING_FIELDS.filter((field) => field !== 'id');
  return Object.fromEntries(fields.map((field) => [field, text]));
}

export const hostileChecks: readonly Check[] = [
  {
    clause: 'T4',
    title: 'hostile strings come back exactly, in every field',
    why: 'A token that comes back trimmed, cut, folded or re-encoded is not the token that was issued.',
    hint: 'Use a binary collation, columns without a length limit below 64 KiB, UTF-8 of four bytes, and parameters, never text put together.',
    async run(context) {
      const store = await context.open();
      const strings = sampleOf(context, 750);
      await inParallel(strings, async (text, index) => {
        const init = context.kept({
          ...everyString(text),
          userSignature: { name: text },
          extra:
            text.length > 10_000
              ? { long: text.slice(0, 10_000).toWellFormed() }
              : { [text]: [text] },
        });
        const saved = await store.saveToken(new OAuthToken({ ...init, id: `record-${index}` }));
        expectFields(saved, init, `what a save of ${show(text)} gave`);
        expectFields(
          await store.findTokenById(`record-${index}`),
          init,
          `the record of ${show(text)}`,
        );
      });
      expectSame((await store.getTokens()).length, strings.length, 'the number of records');
    },
  },
  {
    clause: 'M5',
    title: 'hostile strings as keys find their own record, and their near neighbours do not',
    why: 'A key that is taken for a pattern, a query or another spelling hands one user the token of another.',
    hint: 'Compare with = on a binary collation, pass keys as parameters, escape them where they become part of a name, and separate parts by something that can be in none.',
    async run(context) {
      const store = await context.open();
      const strings = sampleOf(context, 750);
      const known = new Set(strings);
      const ids = new Map<string, string>();
      await inParallel(strings, async (text) => {
        ids.set(text, idOf(await store.saveToken(new OAuthToken(allKeys(text)))));
      });
      // Two that are taken for one find each other's record as their own.
      expectSame(new Set(ids.values()).size, strings.length, 'the number of records, one a string');
      await inParallel(strings, async (text) => {
        for (const key of KEYS) {
          const found = await store.findToken(tokenBy(key, text));
          expectSame(
            found && recordOf(found)['id'],
            ids.get(text),
            `the id found by ${key} ${show(text)}`,
          );
        }
        const near = neighboursOf(text).filter((other) => !known.has(other));
        for (const [index, other] of near.entries()) {
          // Each neighbour by one key, all keys by turns: a store treats its columns alike or is found out.
          const key = KEYS[(index + text.length) % KEYS.length] ?? 'userName';
          const what = `what ${key} ${show(other)} finds, where only ${show(text)} was saved,`;
          expectNull(await store.findToken(tokenBy(key, other)), what);
        }
      });
    },
  },
  {
    clause: 'M5',
    title: 'hostile strings as client ids tell clients apart from their near neighbours',
    why: 'Two clients taken for one share tokens that were issued to one of them only.',
    hint: 'Compare client ids as exactly as keys.',
    async run(context) {
      const store = await context.open();
      const userSignature = { name: context.value('user') };
      const strings = sampleOf(context, 150);
      const known = new Set(strings);
      const idsOf = new Map<string, string>();
      for (const clientId of strings) {
        const saved = await store.saveToken(context.token({ userSignature, clientId }));
        idsOf.set(clientId, idOf(saved));
      }
      await inParallel(strings, async (clientId) => {
        const found = await store.findToken(new OAuthToken({ userSignature, clientId }));
        expectSame(
          found && recordOf(found)['id'],
          idsOf.get(clientId),
          `the id found by client ${show(clientId)}`,
        );
        for (const other of neighboursOf(clientId).filter((one) => !known.has(one))) {
          const what = `what client ${show(other)} finds, where only ${show(clientId)} was saved,`;
          expectNull(
            await store.findToken(new OAuthToken({ userSignature, clientId: other })),
            what,
          );
        }
      });
    },
  },
  {
    clause: 'M2',
    title: 'clients, issuers and resources that look alike are not the same',
    why: 'Whoever may choose an issuer chooses one that is taken for that of another.',
    hint: 'Compare all three as keys are compared: with = on a binary collation, in their full length.',
    async run(context) {
      const store = await context.open();
      for (const owner of OWNERS) {
        if (context.kept({ [owner]: 'x' })[owner] === undefined) continue;
        await inParallel(NEAR_PAIRS, async ([one, other], index) => {
          const token = context.token({ [owner]: one, grantToken: context.secret('grant') });
          const id = idOf(await store.saveToken(token));
          const { userName, ...record } = token.toRecord();
          const key = TOKEN_KEYS[index % TOKEN_KEYS.length] ?? 'refreshToken';
          expectNull(
            await store.findToken(OAuthToken.fromRecord({ [key]: record[key], [owner]: other })),
            `what the ${key} of a token of the ${owner} ${show(one)} finds for ${show(other)}`,
          );
          const theirs = await store.saveToken(
            context.token({ userSignature: { name: userName ?? '' }, [owner]: other }),
          );
          const what = `the records of one user of the ${owner} ${show(one)} and ${show(other)}`;
          expect(idOf(theirs) !== id, `${what} to be two`, 'there was one');
          for (const [text, wanted] of [
            [one, id],
            [other, idOf(theirs)],
          ] as const) {
            const found = await store.findToken(OAuthToken.fromRecord({ userName, [owner]: text }));
            expectSame(
              found && idOf(found),
              wanted,
              `the id found by the user of the ${owner} ${show(text)}`,
            );
          }
        });
      }
    },
  },
  {
    clause: 'C9',
    title: 'hostile strings as ids are found and deleted exactly',
    why: 'A delete that takes a neighbour with it logs a stranger out.',
    hint: 'Delete WHERE id = ?, on a binary collation, with the id as text.',
    async run(context) {
      const store = await context.open();
      const strings = sampleOf(context, 200);
      const known = new Set(strings);
      await inParallel(strings, async (id) => {
        await store.saveToken(context.token({ id }));
      });
      await inParallel(strings, async (id) => {
        for (const other of neighboursOf(id).filter((one) => !known.has(one))) {
          await store.deleteToken(other);
          expectNull(await store.findTokenById(other), `the record with the id ${show(other)}`);
        }
      });
      expectSame(
        (await store.getTokens()).length,
        strings.length,
        'the number of records after their neighbours were deleted',
      );
      const [first, ...rest] = strings;
      await store.deleteToken(first ?? '');
      const left = (await recordsIn(store)).map(({ id }) => String(id));
      expectSame(left.toSorted(), rest.toSorted(), 'the ids that are left after one was deleted');
    },
  },
];

/** All of them at the standard intensity; some by chance where there is less time. */
function sampleOf(context: CheckContext, standard: number): string[] {
  const strings = hostileStrings();
  // Slow stores get all of them too: which string a store mangles nobody knows beforehand.
  const count = Math.max(25, context.share(standard));
  if (count >= strings.length) return strings;
  return strings
    .map((text) => ({ text, order: context.random() }))
    .toSorted((a, b) => a.order - b.order)
    .slice(0, count)
    .map(({ text }) => text);
}

function allKeys(text: string): TokenInit {
  return { userSignature: { name: text }, grantToken: text, refreshToken: text, accessToken: text };
}

function tokenBy(key: Key, value: string): OAuthToken {
  const record: TokenRecord = { [key]: value };
  return OAuthToken.fromRecord(record);
}
