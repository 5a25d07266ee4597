import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import type { Call } from '../calls.ts';
import type { Check } from '../check.ts';
import type { CheckContext } from '../check-context.ts';
import {
  expect,
  expectFields,
  expectOne,
  expectSame,
  idOf,
  type PlainRecord,
  recordOf,
  recordsIn,
} from '../expectations.ts';
import { hostileStrings } from '../hostile-strings.ts';
import { inParallel } from '../in-parallel.ts';
import { bareInLane, laneUser, savedInLane, tagIn } from '../lanes.ts';
import { PromiseBroken } from '../promise-broken.ts';
import { runTogether, type StoreProcess } from '../store-process.ts';

/** How many users the process that is killed saves at once. */
const LANES = 3;
/** A kill comes within this time after the first save: milliseconds, at a pace of 1. */
const LATEST_KILL = 60;

/** A kill comes after this much was noted: bytes, of some 20 a line. */
const NOTED_BEFORE_KILL = 60;

export const durableChecks: readonly Check[] = [
  {
    clause: 'D1',
    title: 'what was saved, updated and deleted is so after closing and opening again',
    why: 'A login that does not outlive a restart is a login at every restart.',
    hint: 'Write before you acknowledge, and flush what is buffered when the store is closed.',
    async run(context) {
      const place = await context.mainPlace();
      let before: PlainRecord[] = [];
      for (let round = 0; round < 4; round += 1) {
        const store = await context.open(place);
        expectSame(await recordsIn(store), before, 'the records after opening again');
        const every = context.everyField();
        await store.saveToken(new OAuthToken(every));
        const gone = await store.saveToken(context.token());
        await store.saveToken(context.token({ userSignature: { name: `é\u0000😀 ${round}` } }));
        await store.saveToken(
          new OAuthToken({
            userSignature: every.userSignature,
            accessToken: context.secret('access'),
          }),
        );
        await store.deleteToken(String(recordOf(gone)['id']));
        before = await recordsIn(store);
        expectSame(before.length, 2 * (round + 1), 'the number of records');
        await store.close();
      }
      const store = await context.open(place);
      await store.deleteTokens();
      await store.close();
      const again = await context.open(place);
      expectSame(await again.getTokens(), [], 'the list after deleteTokens, close and open');
    },
  },
  {
    clause: 'D1',
    title: 'what one process saved and closed, the next one finds',
    why: 'A deployment replaces the process, not the logins.',
    hint: 'Nothing that is needed may be left in memory.',
    async run(context) {
      const every = context.everyField();
      const [first] = await context.freshProcesses(1);
      await first?.run(
        [{ method: 'saveToken', token: new OAuthToken(every).toRecord() }],
        0,
        'in order',
      );
      await first?.close();
      await first?.kill();
      const [second] = await context.freshProcesses(1);
      const made = await second?.run([{ method: 'getTokens' }], 0, 'in order');
      expectSame(
        made?.map(({ outcome }) => Array.isArray(outcome.value) && outcome.value.length),
        [1],
        'how many records the next process finds',
      );
      const store = await context.open();
      expectFields(
        await store.findToken(new OAuthToken({ userSignature: every.userSignature })),
        every,
        'the record',
      );
    },
  },
  {
    clause: 'D1',
    title: 'a fresh process reads every value and every record as they were saved',
    why: 'What is right only as long as the process that saved it remembers it is wrong after a restart.',
    hint: 'Write down what you were given, and read it back the same way.',
    async run(context) {
      const store = await context.open();
      const returned = new Map<unknown, PlainRecord>();
      const hostile = hostileStrings();
      // A record each of the values that stores mangle, and so many that there is more than a page.
      await inParallel(Array.from({ length: 150 }), async (_, index) => {
        const text = hostile[(index * 7) % hostile.length] ?? '';
        const every = context.everyField();
        const init: TokenInit = {
          ...every,
          userSignature: { name: `${index} ${text.slice(0, 500).toWellFormed()}` },
          scope: text,
          expiresAt: Number.MAX_SAFE_INTEGER - index,
          extra: { ...every.extra, text: [text.slice(0, 2_000).toWellFormed(), null, { a: null }] },
        };
        const saved = await store.saveToken(new OAuthToken(init));
        returned.set(idOf(saved), recordOf(saved));
      });
      const saved = (await recordsIn(store)).map(({ id }) => returned.get(id));
      expectSame(saved.length, returned.size, 'how many records are listed');
      await store.close();
      const [fresh] = await context.freshProcesses(1);
      const [made] = (await fresh?.run([{ method: 'getTokens' }], 0, 'in order')) ?? [];
      const listed = made?.outcome.value;
      expectSame(Array.isArray(listed) && listed.length, saved.length, 'how many it lists');
      for (const [at, record] of (listed as readonly PlainRecord[]).entries()) {
        expectSame(record, saved[at], `record ${at + 1} of the list in another process`);
      }
    },
  },
  {
    clause: 'D2',
    title: 'a save that was acknowledged is there after the process was killed',
    why: 'A grant is spent once. What was acknowledged and is lost can only be had by a new login.',
    hint: 'Acknowledge after the commit. Do not buffer, and do not write in place what can be torn.',
    run: (context) => killAndLook(context, 'acknowledged'),
  },
  {
    clause: 'D2',
    title: 'what one process acknowledged is there at once when it is killed',
    why: 'The last save before a crash is the one that matters.',
    hint: 'Acknowledge after the commit.',
    async run(context) {
      for (let round = 0; round < context.rounds(5, 3); round += 1) {
        await using inner = context.nested();
        const [process] = await inner.freshProcesses(1);
        const tokens = Array.from({ length: 5 }, () => inner.token());
        if (process === undefined) return;
        await runTogether(
          [process],
          [tokens.map((token) => ({ method: 'saveToken', token: token.toRecord() }))],
          'together',
        );
        await process.kill();
        const store = await inner.open();
        for (const token of tokens) {
          const found = await store.findToken(token);
          expectSame(
            found && recordOf(found)['accessToken'],
            token.accessToken,
            'the access token that was acknowledged before the kill',
          );
        }
      }
    },
  },
  {
    clause: 'D2',
    title:
      'an update, a delete and a clear that were acknowledged are done when the process is killed',
    why: 'A logout that comes back after a crash is none.',
    hint: 'Acknowledge a delete and an update of some fields after the commit, as you do a first save.',
    async run(context) {
      for (let round = 0; round < context.rounds(3, 2); round += 1) {
        await using inner = context.nested();
        const [kept, gone] = [inner.token(), inner.token({ id: inner.value('id') })];
        const first = await inner.open();
        await first.saveToken(kept);
        await first.saveToken(gone);
        await first.close();
        const accessToken = inner.secret('access');
        const { userName } = kept.toRecord();
        await killAfter(inner, { method: 'saveToken', token: { userName, accessToken } });
        await killAfter(inner, { method: 'deleteToken', id: gone.id ?? '' });
        const second = await inner.open();
        expectSame(
          (await recordsIn(second)).map(({ accessToken }) => accessToken),
          [accessToken],
          'the access tokens after an update and a delete, each followed by a kill,',
        );
        await second.close();
        await killAfter(inner, { method: 'deleteTokens' });
        const third = await inner.open();
        expectSame(await third.getTokens(), [], 'the records after deleteTokens and a kill');
      }
    },
  },
  {
    clause: 'D3',
    title: 'a save that was cut off while it absorbed a record leaves both of them, or one of both',
    why: 'The refresh token that was just issued is in neither: it is lost.',
    hint: 'Write the one and delete the other in one transaction.',
    run: (context) => killWhileItAbsorbs(context),
  },
  {
    clause: 'D3',
    title:
      'a save that was cut off by a kill is there whole or not at all, and the storage opens again',
    why: 'Half a record, or a file that can not be read, takes every login with it.',
    hint: 'Write to a new file and rename it, or write in a transaction.',
    run: (context) => killAndLook(context, 'whole'),
  },
];

interface Lane {
  /** The tag of the last save that was acknowledged. */
  acknowledged?: string;
  /** By process, the tag of the save that was on its way when it was killed. */
  readonly tried: Map<string, string>;
}

/** Kills a process that saves, at random moments, and compares what is there with what it had noted. */
async function killAndLook(context: CheckContext, looked: 'acknowledged' | 'whole'): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'token-store-kills-'));
  try {
    const log = join(folder, 'log');
    for (let kill = 0; kill < context.rounds(12, 8); kill += 1) {
      await using inner = context.nested();
      // By turns killed while it opens the place or soon after, and while it saves.
      const opening = kill % 2 === 0 ? 'later' : 'now';
      const [process] = await inner.freshProcesses(1, await context.mainPlace(), opening);
      const before = sizeOf(log);
      process?.saveUntilKilled({ log, lanes: LANES, how: 'update' });
      if (opening === 'now') await noted(context, log, before);
      const moment = await killSoon(context, process);
      const lanes = readLog(log);
      const store = await inner.open(await context.mainPlace());
      const done = [
        `a process saved ${lanes.size} users again and again`,
        `it was killed after ${Math.round(moment)} ms (kill ${kill + 1})`,
        'the place was opened again',
      ];
      for (const [number, lane] of lanes) await lookAt(inner, store, number, lane, looked, done);
      // It must not only be read.
      await store.saveToken(inner.token());
      await store.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Has a process make a call, and kills it as soon as that was acknowledged. */
async function killAfter(context: CheckContext, call: Call): Promise<void> {
  const [process] = await context.freshProcesses(1);
  const [made] = (await process?.run([call], 0, 'in order')) ?? [];
  await process?.kill();
  expectSame(made?.outcome.refused, undefined, `what ${call.method} of a process was refused with`);
}

/** Kills a process that absorbs records, at random moments: what was acknowledged is to be found. */
async function killWhileItAbsorbs(context: CheckContext): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'token-store-kills-'));
  try {
    const log = join(folder, 'log');
    for (let kill = 0; kill < context.rounds(20, 12); kill += 1) {
      await using inner = context.nested();
      const [process] = await inner.freshProcesses(1, await context.mainPlace());
      const before = sizeOf(log);
      process?.saveUntilKilled({ log, lanes: LANES, how: 'absorb' });
      await noted(context, log, before);
      await killSoon(context, process);
      const store = await inner.open(await context.mainPlace());
      for (const [number, { acknowledged }] of readLog(log)) {
        if (acknowledged === undefined) continue;
        const init = bareInLane(number, acknowledged);
        const listed = async () => {
          const tokens = await store.getTokens();
          const left = tokens.filter((token) => token.refreshToken === init.refreshToken);
          return recordOf(
            expectOne(left, `what is left of a token that was absorbed at kill ${kill + 1}`),
          );
        };
        const before = await listed();
        const found = recordOf(await store.findToken(new OAuthToken(init)));
        // A server may do what the process had sent after that was killed, and so meanwhile.
        const wanted = isDeepStrictEqual(found, before) ? before : await listed();
        expectSame(found, wanted, 'what that token finds');
      }
      await store.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** On a busy machine a process may not have begun for a while: then a kill hits nothing. */
async function noted(context: CheckContext, log: string, before: number): Promise<void> {
  const end = performance.now() + context.settings.callLimit;
  while (sizeOf(log) < before + NOTED_BEFORE_KILL && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** @returns after how many milliseconds: a random number */
async function killSoon(context: CheckContext, process: StoreProcess | undefined): Promise<number> {
  const moment = context.random() * LATEST_KILL * Math.max(1, context.settings.pace.factor);
  await new Promise((resolve) => setTimeout(resolve, moment));
  await process?.kill();
  return moment;
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

async function lookAt(
  context: CheckContext,
  store: Awaited<ReturnType<CheckContext['open']>>,
  number: number,
  { acknowledged, tried }: Lane,
  looked: 'acknowledged' | 'whole',
  done: readonly string[],
): Promise<void> {
  const found = await store.findToken(
    new OAuthToken({ userSignature: { name: laneUser(number) } }),
  );
  if (found === null) {
    if (acknowledged === undefined) return;
    throw new PromiseBroken('the record that was acknowledged', 'there was none', { done });
  }
  const record = recordOf(found);
  const tag = tagIn(record);
  if (looked === 'acknowledged') {
    const possible = [acknowledged, ...tried.values()];
    if (possible.includes(tag)) return;
    throw new PromiseBroken(
      `the save ${acknowledged} that was acknowledged last, or one that was on its way at a kill`,
      `the record was that of the save ${tag}`,
      { done },
    );
  }
  expectFields(
    found,
    savedInLane(context.definition, number, tag),
    `the record after ${done.join('; ')},`,
  );
  expect(
    context.definition.versions !== true || Number(record['version']) >= 1,
    'a version from 1',
    `it was ${String(record['version'])}`,
  );
}

/** By lane, what the processes noted: the last that they tried and the last that was acknowledged. */
function readLog(path: string): Map<number, Lane> {
  const lanes = new Map<number, Lane>();
  for (const line of readFileSync(path, { encoding: 'utf8', flag: 'a+' }).split('\n')) {
    const [what, lane, tag] = line.split(' ');
    if (tag === undefined) continue;
    const entry: Lane = lanes.get(Number(lane)) ?? { tried: new Map() };
    const [pid = ''] = tag.split('-');
    if (what === 'try') entry.tried.set(pid, tag);
    else {
      entry.acknowledged = tag;
      entry.tried.delete(pid);
    }
    lanes.set(Number(lane), entry);
  }
  return lanes;
}
