import { OAuthToken, type TokenStore } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import type { CheckContext } from '../check-context.ts';
import { expect, expectRefused, expectSame, idOf, recordOf, recordsIn } from '../expectations.ts';
import { heldMemory } from '../held-memory.ts';
import { inParallel } from '../in-parallel.ts';
import type { ObservedStore } from '../observed-store.ts';
import { Untested } from '../promise-broken.ts';

/** More than a batch of a thousand, and than one of 100 where the run is quick. */
const RECORDS = 1_300;

/** How many records may be read at once. */
const MAX_BATCH = 1_200;
/** How long a field of a record is whose memory is looked at. */
const LARGE = 2_048;
/** How long a caller thinks about the first record, at least: milliseconds. */
const THINKING = 20;
/** From what on memory that is held has become more: bytes. */
const MORE = 65_536;
/** How much more memory may be held for each record that was added: bytes. */
const LIMIT = LARGE / 2;

export const iteratingChecks: readonly Check[] = [
  {
    clause: 'I1',
    title:
      'tokens() gives every record, in the order of getTokens, and nothing where there is none',
    why: 'An export that leaves some out is found out when they are needed.',
    hint: 'Read in batches, each beginning after the last record of the one before.',
    async run(context) {
      const store = await context.open();
      expectSame(await idsIn(store), [], 'what tokens() gives of an empty store');
      await fill(context, store);
      const listed = await recordsIn(store);
      const iterated: unknown[] = [];
      for await (const token of store.tokens()) iterated.push(recordOf(token, 'what tokens gave'));
      expectSame(iterated.length, listed.length, 'how many records tokens() gives');
      const differs = listed.findIndex((record, at) => !same(record, iterated[at]));
      if (differs >= 0) {
        expectSame(iterated[differs], listed[differs], `record ${differs + 1} of tokens()`);
      }
      for (let count = 0; count < 2; count += 1) {
        const both = [store.tokens(), store.tokens()].map((tokens) => idsOf(tokens));
        const [one, other] = await Promise.all(both);
        expectSame(one, other, 'what two iterations at once give');
        expectSame(one?.length, listed.length, 'how many records each of them gives');
      }
    },
  },
  {
    clause: 'I1',
    title: 'while the caller thinks between two records no other call waits, and it may break off',
    why: 'An export over the network takes minutes: logins can not wait for it.',
    hint: 'Hold no lock, no transaction and no open cursor between two batches.',
    async run(context) {
      const [store, other] = [await context.open(), await context.open()];
      await fill(context, store);
      for (const breakAt of [1, 150]) {
        let count = 0;
        for await (const token of store.tokens()) {
          count += 1;
          if (count !== breakAt) continue;
          // These are given up on, as every call is, if they wait for the iteration.
          await other.saveToken(context.token());
          await store.saveToken(token.with({ scope: context.value('scope') }));
          await other.findToken(token);
          await store.deleteToken(idOf(token));
          await other.getTokens();
          break;
        }
        expectSame(
          count,
          breakAt,
          'how many records were looked at before the iteration was broken off',
        );
      }
      await store.deleteTokens();
      expectSame(await idsIn(store), [], 'what tokens() gives after deleteTokens');
      for (let count = 0; count < 2; count += 1) await store.saveToken(context.token());
      await store.tokens().next();
      // The caller still thinks about the first of them: close is given up on if it waits for that.
      await store.close();
      await expectRefused(
        store.tokens().next(),
        'STORE_CLOSED',
        'the first step of an iteration after close',
      );
    },
  },
  {
    clause: 'I1',
    title: 'the memory that an iteration takes does not grow with the number of records',
    why: 'An export of a million records ends the process that makes it.',
    hint: 'Read some hundred records at a time, when they are asked for, and keep none that was given out.',
    async run(context) {
      const store = await context.open();
      const first = Math.max(350, Math.min(MAX_BATCH, context.share(MAX_BATCH)));
      await saveLarge(context, store, first);
      for (let count = first; ; count *= 2) {
        // What goes at the same time hides what it takes: that does not happen twice.
        const few = Math.max(await takenByIteration(store), await takenByIteration(store));
        await saveLarge(context, store, count);
        let more = Number.POSITIVE_INFINITY;
        // What else goes on in the process takes memory too, but not each time.
        for (let attempt = 0; attempt < 3 && more > LIMIT * count; attempt += 1) {
          more = Math.min(more, (await takenByIteration(store)) - few);
        }
        if (more <= LIMIT * count) return;
        // So few may be one batch: then more of them take no more.
        expect(
          count < MAX_BATCH,
          `tokens() of ${2 * count} records of ${LARGE / 1024} KiB to take no more memory than of ${count}`,
          `it took ${Math.round(more / 1024)} KiB more, of the ${(count * LARGE) / 1024} KiB that were added`,
        );
      }
    },
  },
  {
    clause: 'I2',
    title:
      'a record that is there all the time comes once, whatever is saved and deleted meanwhile',
    why: 'A job that walks through all records would refresh one twice, or let one expire.',
    hint: 'Go on after the place of the last record in the order of the first saves, whether that record is still there or not: no OFFSET, no order by last update.',
    async run(context) {
      const [store, other] = [await context.open(), await context.open()];
      const tokens = await fill(context, store);
      const ids = tokens.map((token) => idOf(token));
      // What is removed meanwhile may come, or not; all others have to come once.
      const removed = new Set<string | undefined>();
      const remove = async (id: string): Promise<void> => {
        removed.add(id);
        await other.deleteToken(id);
      };
      const seen = new Set<string>();
      for await (const token of store.tokens()) {
        const id = idOf(token, 'what tokens gave');
        expect(!seen.has(id), 'no record to come twice', `record ${ids.indexOf(id) + 1} did`);
        seen.add(id);
        const count = seen.size;
        if (mayEndBatch(count) || id === ids.at(-1)) await remove(id);
        if (count % 100 !== 50) continue;
        // Before and behind the place where the iteration is, wherever that is.
        const here = ids.filter(
          (_id, at) => at % 100 === count / 50 || at % 100 === 3 + count / 50,
        );
        await inParallel(here, async (one) => {
          const at = ids.indexOf(one);
          if (at % 3 === 0) await remove(one);
          else if (at % 3 === 1 && !removed.has(one)) {
            await other.saveToken(new OAuthToken({ id: one, scope: context.value('scope') }));
          }
        });
        await other.saveToken(context.token());
      }
      const missed = ids.flatMap((id, at) => (removed.has(id) || seen.has(id) ? [] : [at + 1]));
      expectSame(
        missed.slice(0, 5),
        [],
        `the numbers of records that did not come, of the ${ids.length - removed.size} that were there all the time,`,
      );
      let given = 0;
      for await (const _token of store.tokens()) {
        given += 1;
        if (given === 1) await other.deleteTokens();
      }
      expectSame(await store.getTokens(), [], 'the records after all were deleted meanwhile');
    },
  },
];

/**
 * Whether a batch may end with the record of this number, as batches of 10, 50, 64 or 1,000 do: where
 * it is deleted, there is nothing left to go on from.
 */
function mayEndBatch(count: number): boolean {
  return count % 10 === 0 || Number.isInteger(Math.log2(count));
}

async function saveLarge(
  context: CheckContext,
  store: ObservedStore,
  count: number,
): Promise<void> {
  await inParallel(Array.from({ length: count }), async () => {
    const refreshToken = context.value('refresh').padEnd(LARGE, '.');
    await store.saveToken(new OAuthToken({ refreshToken }));
  });
}

/**
 * How much memory is held in the middle of an iteration that was not before it: bytes. The store's
 * own methods are called, as whatever observes them keeps what they give.
 *
 * @throws Untested where that can't be told
 */
async function takenByIteration({ raw }: ObservedStore): Promise<number> {
  const total = await countOf(raw);
  // Before the event loop has had its turn, something may still hold the list.
  await new Promise((resolve) => setImmediate(resolve));
  const before = heldMemory();
  if (before === undefined || raw.tokens === undefined) {
    throw new Untested('this runtime does not tell how much memory is in use');
  }
  let most = 0;
  let given = 0;
  for await (const _token of raw.tokens()) {
    given += 1;
    // All is read by then, or all is kept by then.
    if (given !== 1 && given !== total) continue;
    const now = given === 1 ? await heldAfterThinking() : heldMemory();
    most = Math.max(most, (now ?? 0) - before);
  }
  return most;
}

/** Who does not wait for the caller reads on while it thinks: it does so until nothing more is read. */
async function heldAfterThinking(): Promise<number | undefined> {
  let held = heldMemory();
  for (let time = 0; time < 20; time += 1) {
    await new Promise((resolve) => setTimeout(resolve, THINKING));
    const now = heldMemory();
    if (now === undefined || now < (held ?? 0) + MORE) return now;
    held = now;
  }
  return held;
}

/** Whatever a store remembers when it is asked, it does so from now on: no iteration takes it. */
async function countOf(store: TokenStore): Promise<number> {
  return (await store.getTokens()).length;
}

async function fill(context: CheckContext, store: ObservedStore): Promise<OAuthToken[]> {
  const count = Math.max(220, Math.min(RECORDS, context.share(RECORDS)));
  await inParallel(Array.from({ length: count }), async () => {
    await store.saveToken(context.token());
  });
  return store.getTokens();
}

function idsIn(store: ObservedStore): Promise<string[]> {
  return idsOf(store.tokens());
}

async function idsOf(tokens: AsyncIterable<OAuthToken>): Promise<string[]> {
  const ids: string[] = [];
  for await (const token of tokens) ids.push(idOf(token, 'what tokens gave'));
  return ids;
}

function same(one: object, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
