import { readdirSync } from 'node:fs';
import process, { getActiveResourcesInfo } from 'node:process';
import { OAuthToken } from '@tokenkeep/core';
import type { Check } from '../check.ts';
import type { CheckContext } from '../check-context.ts';
import { expect, expectRefused, expectSame, idOf, recordOf } from '../expectations.ts';
import { Untested } from '../promise-broken.ts';

/** How long a process may go on after its store was closed: milliseconds, or half of what a call may take. */
const LINGER = 5_000;
/** How often a store is opened and closed to see what is left behind. */
const CYCLES = 12;

export const closingChecks: readonly Check[] = [
  {
    clause: 'C17',
    title: 'close can be called twice, at once and again',
    why: 'A program that closes what it uses, and a framework that closes it too, must not fail at the end.',
    hint: 'Remember the promise of the first close, and give it again.',
    async run(context) {
      const used = await context.open();
      await used.saveToken(context.token());
      let inFlight = 10;
      const saves = Array.from({ length: inFlight }, async () => {
        try {
          await used.saveToken(context.token());
        } finally {
          inFlight -= 1;
        }
      });
      // That they end well is looked at by another check.
      const saving = Promise.allSettled(saves);
      const first = used.close();
      await used.close();
      // The saves are told of their end a moment later than the store.
      await new Promise((resolve) => setImmediate(resolve));
      expect(
        inFlight === 0,
        'a second close to end when the store is closed, as the first one does',
        `it ended while ${inFlight} saves were on their way`,
      );
      await Promise.all([first, saving]);
      await used.close();
      const unused = await context.open();
      await unused.close();
      await unused.close();
    },
  },
  {
    clause: 'C17',
    title: 'calls after close are refused with STORE_CLOSED',
    why: 'A call that quietly opens everything again keeps the process alive and the file locked.',
    hint: 'Check at the start of each method whether close was called.',
    async run(context) {
      const store = await context.open();
      const token = context.token();
      await store.saveToken(token);
      const saving = Promise.allSettled([store.saveToken(context.token())]);
      const closing = store.close();
      const meanwhile = 'right after close was called';
      await Promise.all([
        expectRefused(store.findToken(token), 'STORE_CLOSED', `findToken ${meanwhile}`),
        expectRefused(store.saveToken(token), 'STORE_CLOSED', `saveToken ${meanwhile}`),
      ]);
      await Promise.all([saving, closing]);
      await expectClosed(store.findToken(token), 'findToken');
      await expectClosed(store.findTokenById('1'), 'findTokenById');
      await expectClosed(store.saveToken(token), 'saveToken');
      await expectClosed(store.deleteToken('1'), 'deleteToken');
      await expectClosed(store.getTokens(), 'getTokens');
      await expectClosed(store.deleteTokens(), 'deleteTokens');
    },
  },
  {
    clause: 'C17',
    title: 'calls after close are refused also where nothing would have to be looked up',
    why: 'A program that goes on with a closed store learns of it only when it matters.',
    hint: 'Check whether close was called before anything else, in tokens() too.',
    async run(context) {
      const store = await context.open();
      await store.saveToken(context.token());
      await store.close();
      await expectClosed(store.findToken(new OAuthToken({})), 'findToken of an empty token');
      await expectClosed(
        store.findToken(new OAuthToken({ clientId: context.value('client') })),
        'findToken of a token without a key',
      );
      await expectClosed(
        store.findTokenById(context.value('id')),
        'findTokenById of an unknown id',
      );
      await expectClosed(store.deleteToken(context.value('id')), 'deleteToken of an unknown id');
      if (context.definition.iterable !== true) return;
      await expectClosed(store.tokens().next(), 'the first step of tokens()');
    },
  },
  {
    clause: 'C17',
    title: 'calls in flight finish when the store is closed',
    why: 'A save that is cut off by the end of the program loses the refresh token that was just spent for.',
    hint: 'Count calls, and wait in close until none is left.',
    async run(context) {
      const store = await context.open();
      const keptOpen = context.definition.handles === 'one' ? undefined : await context.open();
      const known = context.token();
      const id = idOf(await store.saveToken(known));
      const gone = idOf(await store.saveToken(context.token()));
      const tokens = Array.from({ length: 10 }, () => context.token());
      const saving = tokens.map((token) => store.saveToken(token));
      const reading = [store.findToken(known), store.findTokenById(id)];
      const deleting = store.deleteToken(gone);
      const listing = store.getTokens();
      const closing = store.close();
      const [saves, others] = await Promise.all([
        endsOf(saving),
        endsOf([...reading, deleting, listing, closing]),
      ]);
      expectSame(
        saves,
        saving.map(() => 'fulfilled'),
        'how the saves ended that were on their way',
      );
      expectSame(
        others,
        ['findToken', 'findTokenById', 'deleteToken', 'getTokens', 'close'].map(() => 'fulfilled'),
        'how findToken, findTokenById, deleteToken and getTokens ended that were in flight, and close',
      );
      for (const found of await Promise.all(reading)) {
        expectSame(found && idOf(found), id, 'the id of what a find in flight gave');
      }
      if (keptOpen !== undefined) {
        expectSame(
          (await keptOpen.getTokens()).length,
          tokens.length + 1,
          'the number of records that another handle sees',
        );
      }
      const place = await context.place();
      const another = await context.open(place);
      await another.saveToken(context.token());
      const clearing = another.deleteTokens();
      expectSame(
        await endsOf([clearing, another.close()]),
        ['fulfilled', 'fulfilled'],
        'how deleteTokens ended that was in flight, and close',
      );
      if (keptOpen === undefined) return;
      expectSame(await (await context.open(place)).getTokens(), [], 'the records after that');
    },
  },
  {
    clause: 'C17',
    title: 'a store that is closed during its first opening finishes what was begun',
    why: 'A command that saves one token and closes is over before a server has answered.',
    hint: 'Let close wait for the opening, too.',
    async run(context) {
      const keptOpen = context.definition.handles === 'one' ? undefined : await context.open();
      const store = await context.open();
      const token = context.token();
      const saving = store.saveToken(token);
      const closing = store.close();
      const settled = await Promise.allSettled([saving, closing]);
      expectSame(
        settled.map(({ status }) => status),
        ['fulfilled', 'fulfilled'],
        'how a first save ended, and a close right after it',
      );
      await expectRefused(store.getTokens(), 'STORE_CLOSED', 'a call after that');
      if (keptOpen === undefined) return;
      const found = await keptOpen.findToken(token);
      expectSame(
        found && recordOf(found)['accessToken'],
        token.accessToken,
        'what another handle finds',
      );
    },
  },
  {
    clause: 'C17',
    title: 'closing one handle leaves the others open',
    why: 'A pool that is shared without being counted is closed under the feet of others.',
    hint: 'Close what this store opened, and nothing that was handed to it.',
    async run(context) {
      if (context.definition.handles === 'one')
        throw new Untested('the store has one handle: handles: "one"');
      const [one, two] = [await context.open(), await context.open()];
      const token = context.token();
      await one.saveToken(token);
      await one.close();
      const found = await two.findToken(token);
      expectSame(
        found && recordOf(found)['accessToken'],
        token.accessToken,
        'what the other handle finds',
      );
      await two.saveToken(context.token());
    },
  },
  {
    clause: 'C17',
    title: '`await using` closes the store',
    why: 'Without it a store stays open when something throws.',
    hint: 'Add [Symbol.asyncDispose]() { return this.close(); }.',
    async run(context) {
      const store = await context.open();
      expect(
        typeof Reflect.get(store.raw, Symbol.asyncDispose) === 'function',
        'a method [Symbol.asyncDispose]',
        'there is none',
      );
      {
        await using used = store;
        await used.saveToken(context.token());
      }
      await expectRefused(store.getTokens(), 'STORE_CLOSED', 'a call after the block');
      // Who closes it in the block has it closed twice.
      {
        await using closed = await context.open(await context.place());
        await closed.saveToken(context.token());
        await closed.close();
      }
    },
  },
  {
    clause: 'C17',
    title: '`await using` waits until what was begun has ended',
    why: 'The program goes on, or ends, before the token is stored.',
    hint: '[Symbol.asyncDispose]() has to return the promise of close().',
    async run(context) {
      const ended: string[] = [];
      let saving: Promise<unknown> = Promise.resolve();
      {
        await using store = await context.open();
        const saves = Array.from({ length: 10 }, () => store.saveToken(context.token()));
        saving = Promise.all(saves).then(() => ended.push('the saves'));
      }
      ended.push('the block');
      await saving;
      expectSame(ended, ['the saves', 'the block'], 'what ended first, and what then');
    },
  },
  {
    clause: 'C17',
    title: 'opening and closing again and again leaves no listeners and no open files behind',
    why: 'A process that opens a store for each request runs out of files, and is warned of a leak of listeners.',
    hint: 'Take off in close what was put on in open: process.off, and close every file and socket.',
    async run(context) {
      const cycle = async (): Promise<void> => {
        await using inner = context.nested();
        const store = await inner.open();
        await store.saveToken(inner.token());
        await store.getTokens();
        await store.close();
      };
      for (let warm = 0; warm < 2; warm += 1) await cycle();
      const before = { files: openFiles(), listeners: processListeners() };
      for (let count = 0; count < CYCLES; count += 1) await cycle();
      const end = performance.now() + lingerOf(context);
      const more = (): string[] => [
        ...(openFiles() - before.files >= CYCLES / 2 ? ['open files'] : []),
        ...(processListeners() - before.listeners >= CYCLES / 2 ? ['listeners of process'] : []),
      ];
      while (more().length > 0 && performance.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, 20).unref());
      }
      expectSame(more(), [], `what has become more after ${CYCLES} times`);
    },
  },
  {
    clause: 'C17',
    title: 'nothing of the store keeps the process alive after close',
    why: 'A command that does not come back to the prompt, or a test run that hangs.',
    hint: 'Clear timers, close connections and watchers, or unref() them.',
    async run(context) {
      // What is there without the store, such as the channel to a test runner, is not counted.
      const before = countsOf(getActiveResourcesInfo());
      const store = await context.open();
      await store.saveToken(context.token());
      await store.getTokens();
      await store.close();
      const end = performance.now() + lingerOf(context);
      let left = leftOver(before);
      while (left.length > 0 && performance.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, 20).unref());
        await new Promise((resolve) => setImmediate(resolve));
        left = leftOver(before);
      }
      expect(
        left.length === 0,
        'nothing to be left that keeps the process alive',
        `there is ${left.join(', ')}`,
      );
    },
  },
  {
    clause: 'C17',
    title: 'a process that used the store and closed it comes to its end by itself',
    why: 'A command that does not come back to the prompt, or a test run that hangs.',
    hint: 'Clear timers, close connections and watchers, or unref() them.',
    async run(context) {
      const [other] = await context.freshProcesses(1);
      const token = context.token().toRecord();
      await other?.run([{ method: 'saveToken', token }, { method: 'getTokens' }], 0, 'in order');
      await other?.close();
      const linger = lingerOf(context);
      const ended = await other?.endsWithin(linger);
      expect(ended === true, `the process to end within ${linger} ms`, 'it was still there');
    },
  },
];

/** How calls ended. */
async function endsOf(calls: readonly Promise<unknown>[]): Promise<string[]> {
  return (await Promise.allSettled(calls)).map(({ status }) => status);
}

function expectClosed(call: Promise<unknown>, what: string): Promise<unknown> {
  return expectRefused(call, 'STORE_CLOSED', `${what} after close`);
}

function lingerOf({ settings }: CheckContext): number {
  return Math.min(LINGER, settings.callLimit / 2);
}

/** How many files and sockets are open; 0 where the system does not tell. */
function openFiles(): number {
  try {
    return readdirSync('/dev/fd').length;
  } catch {
    return 0;
  }
}

function processListeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}

function countsOf(resources: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of resources) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function leftOver(before: ReadonlyMap<string, number>): string[] {
  return [...countsOf(getActiveResourcesInfo())].flatMap(([name, count]) => {
    // The kit's own timer for the check is there before and after.
    const more = count - (before.get(name) ?? 0);
    return more > 0 ? [`${more} ${name}`] : [];
  });
}
