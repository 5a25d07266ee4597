import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import type { CheckContext } from '../check-context.ts';
import {
  expect,
  expectFields,
  expectOne,
  expectRefused,
  expectSame,
  idOf,
  recordOf,
  recordsIn,
  versionOf,
} from '../expectations.ts';
import { inParallel } from '../in-parallel.ts';
import type { ObservedStore } from '../observed-store.ts';

/** More than a page of 5,000 holds; a tenth of it where the run is quick. */
const RECORDS = 5_100;
/** More than any run needs, however thorough. */
const MAX_RECORDS = 12_000;
/**
 * As many are saved one after the other, a quarter of them where the run is quick: the order of the
 * others is known by batches only.
 */
const IN_ORDER = 400;
const BATCH = 50;
/** How many of them are looked for, from the first to the last; a fifth where the run is quick. */
const LOOKED_FOR = 300;
const CLIENTS = 320;
const IN_FLIGHT = 200;
/** More than fit into a signed byte, and into an unsigned one. */
const SAVES_OF_ONE = 300;

export const manyChecks: readonly Check[] = [
  {
    clause: 'C10',
    title: 'of thousands of records each is listed, in the order of the first saves, and found',
    why: 'A list that stops at a page, or a store that drops the oldest, loses logins in silence.',
    hint: 'Read all pages of a query, sort by a number that grows with each insert, and never evict: a token store is no cache.',
    async run(context) {
      const store = await context.open();
      const count = Math.min(MAX_RECORDS, Math.max(600, context.share(RECORDS)));
      const inOrder = Math.max(IN_ORDER / 4, Math.min(IN_ORDER, context.share(IN_ORDER)));
      const batches = await saveMany(context, store, count, inOrder);
      const tokens = batches.flat();
      const listed = (await recordsIn(store)).map(({ id }) => String(id));
      expectSame(listed.length, count, 'how many records are listed');
      requireBatches(listed, batches);
      await inParallel(someOf(context, tokens), async (token) => {
        for (const key of ['id', 'userSignature', 'refreshToken', 'accessToken'] as const) {
          const found = await store.findToken(new OAuthToken({ [key]: token[key] }));
          expectSame(
            found && idOf(found),
            token.id,
            `the id found by the ${key} of one of ${count}`,
          );
        }
      });
    },
  },
  {
    clause: 'C11',
    title: 'deleteTokens removes thousands of records',
    why: 'What is left after everything was deleted is a secret that somebody thinks is gone.',
    hint: 'Go on until no page is left, or delete in one statement.',
    async run(context) {
      const store = await context.open();
      const count = Math.min(MAX_RECORDS, Math.max(600, context.share(2_100)));
      const tokens = (await saveMany(context, store, count, 0)).flat();
      await store.deleteTokens();
      expectSame((await store.getTokens()).length, 0, `how many of ${count} records are left`);
      for (const token of tokens.filter((_token, index) => index % 50 === 0)) {
        const found = await store.findToken(new OAuthToken({ refreshToken: token.refreshToken }));
        expectSame(found, null, 'what the refresh token of a deleted record finds');
      }
    },
  },
  {
    clause: 'M2',
    title: 'a user of hundreds of clients has a record of each, and each client finds its own',
    why: 'A service account is one user of every tenant: whoever reads the first hundred only crosses clients.',
    hint: 'Read every record of the user, or look for user and client at once: no LIMIT.',
    async run(context) {
      const store = await context.open();
      const userSignature = { name: context.value('user') };
      const count = Math.max(120, Math.min(CLIENTS, context.share(CLIENTS)));
      const clients = Array.from({ length: count }, () =>
        context.token({
          userSignature,
          clientId: context.value('client'),
        }),
      );
      for (const token of clients) await store.saveToken(token);
      expectSame((await store.getTokens()).length, count, 'the number of records, one a client');
      for (const { clientId, refreshToken } of someOf(context, clients)) {
        const found = await store.findToken(new OAuthToken({ userSignature, clientId }));
        expectSame(
          found && recordOf(found)['refreshToken'],
          refreshToken,
          'the refresh token that one of the clients finds',
        );
      }
      await expectRefused(
        store.findToken(new OAuthToken({ userSignature })),
        'AMBIGUOUS_TOKEN',
        `a find by a user of ${count} clients`,
      );
    },
  },
  {
    clause: 'A1',
    title: 'hundreds of saves of one user in flight leave one record',
    why: 'After an outage everybody refreshes at once.',
    hint: 'Let saves wait for each other, however many there are.',
    async run(context) {
      const store = await context.open();
      const userSignature = { name: context.value('user') };
      const saves = Array.from(
        { length: Math.max(80, Math.min(IN_FLIGHT, context.share(IN_FLIGHT))) },
        () => context.token({ userSignature }),
      );
      const saved = await Promise.all(saves.map((token) => store.saveToken(token)));
      const only = expectOne(await store.getTokens(), `what ${saves.length} saves of a user left`);
      expectSame(new Set(saved.map((token) => idOf(token))), new Set([idOf(only)]), 'their ids');
      const wanted = saves.some(({ accessToken }) => accessToken === only.accessToken);
      expect(wanted, 'the access token of one of them', 'it was another');
    },
  },
  {
    clause: 'A3',
    title: 'hundreds of saves of different users in flight lose none',
    why: 'After an outage everybody logs in at once.',
    hint: 'Do not drop what does not fit into a queue or a pool: let it wait.',
    async run(context) {
      const store = await context.open();
      const tokens = Array.from(
        { length: Math.max(80, Math.min(IN_FLIGHT, context.share(IN_FLIGHT))) },
        () => context.token(),
      );
      const saved = await Promise.all(tokens.map((token) => store.saveToken(token)));
      const listed = await recordsIn(store);
      expectSame(listed.length, tokens.length, 'how many records are listed');
      expectSame(
        new Set(listed.map(({ id, refreshToken }) => `${id} ${refreshToken}`)),
        new Set(saved.map((token, at) => `${idOf(token)} ${tokens[at]?.refreshToken}`)),
        'the ids with their refresh tokens',
      );
    },
  },
  {
    clause: 'C3',
    title: 'hundreds of saves of one record keep what it has, each of them',
    why: 'A token that is refreshed every hour is saved 8,000 times a year.',
    hint: 'Every save does the same, whichever it is: look for counters, batches and compaction.',
    async run(context) {
      const store = await context.open();
      let expected: TokenInit = context.everyField();
      const { userSignature, clientId } = expected;
      const id = idOf(await store.saveToken(new OAuthToken(expected)));
      const count = context.rounds(SAVES_OF_ONE, 100);
      for (let save = 1; save <= count; save += 1) {
        const change = {
          accessToken: context.secret('access'),
          expiresAt: 1_900_000_000_000 + save,
          ...(save % 5 === 0 ? { refreshToken: context.secret('refresh') } : {}),
        };
        expected = { ...expected, ...change };
        await store.saveToken(new OAuthToken({ userSignature, clientId, ...change }));
        expectFields(await store.findTokenById(id), expected, `the record after ${save} saves`);
      }
    },
  },
  {
    clause: 'V1',
    title: 'the version grows with each of hundreds of saves',
    why: 'A version that wraps comes again, and a save over it hits what it does not know.',
    hint: 'Keep the version in 53 bits or more.',
    async run(context) {
      const store = await context.open();
      const token = context.token();
      let last = 0;
      for (let save = 1; save <= SAVES_OF_ONE; save += 1) {
        const version = versionOf(await store.saveToken(token));
        expect(version > last, `a version above ${last} of save ${save}`, `it was ${version}`);
        last = version;
      }
      const stored = versionOf(await store.findToken(token), 'what findToken gave');
      expectSame(stored, last, `the version that is stored after ${SAVES_OF_ONE} saves`);
    },
  },
];

/**
 * Saves many, the first of them one after the other, and gives what was saved: each batch was there
 * before the next one began.
 */
async function saveMany(
  context: CheckContext,
  store: ObservedStore,
  count: number,
  inOrder: number,
): Promise<OAuthToken[][]> {
  const batches: OAuthToken[][] = [];
  for (let saved = 0; saved < count; saved += batches.at(-1)?.length ?? 1) {
    const size = saved < inOrder ? 1 : Math.min(BATCH, count - saved);
    const tokens = Array.from({ length: size }, () => context.token());
    batches.push(await Promise.all(tokens.map((token) => store.saveToken(token))));
  }
  return batches;
}

/** Those that are looked for, the last one too. */
function someOf(context: CheckContext, tokens: readonly OAuthToken[]): OAuthToken[] {
  const count = Math.max(LOOKED_FOR / 5, Math.min(LOOKED_FOR, context.share(LOOKED_FOR)));
  const step = Math.max(1, Math.floor(tokens.length / count));
  return tokens.filter((_token, at) => (tokens.length - 1 - at) % step === 0);
}

/** That the ids come batch by batch; within one, saves were on their way at once. */
function requireBatches(
  listed: readonly string[],
  batches: readonly (readonly OAuthToken[])[],
): void {
  let start = 0;
  for (const batch of batches) {
    const here = new Set(listed.slice(start, start + batch.length));
    const wanted = new Set(batch.map((token) => idOf(token)));
    const which = batch.length === 1 ? `record ${start + 1}` : `records ${start + 1} and on`;
    expectSame(here, wanted, `the ids of the list from ${which}, in the order of the first saves,`);
    start += batch.length;
  }
}
