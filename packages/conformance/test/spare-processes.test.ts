import { afterEach, expect, it } from 'vitest';
import type { Call } from '../src/calls.ts';
import { CheckContext } from '../src/check-context.ts';
import { settingsOf } from '../src/settings.ts';
import { spareProcesses } from '../src/spare-processes.ts';
import type { StoreProcess } from '../src/store-process.ts';
import { plainInFile } from './correct-stores.ts';

const settings = settingsOf({}, { factor: 1 });
const save: Call = { method: 'saveToken', token: { userName: 'ada', refreshToken: 'r' } };
const list: Call = { method: 'getTokens' };

afterEach(() => spareProcesses.end());

/** Has a check use a process, and end. */
async function inCheck<T>(work: (context: CheckContext) => Promise<T>): Promise<T> {
  await using context = new CheckContext(plainInFile, settings);
  return await work(context);
}

const saveWith = async (process: StoreProcess | undefined) => {
  await process?.run([save], 0, 'in order');
  return process;
};

it('a process that a check has done with is used by the next one, and finds the place of that', async () => {
  const first = await inCheck(async (context) => saveWith((await context.processes(1))[0]));
  await inCheck(async (context) => {
    const [second, third] = await context.processes(2);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    await third?.run([save], 0, 'in order');
    const made = await second?.run([list], 0, 'in order');
    // Of the first check's place there is nothing, and the one of this check is in the journal.
    expect(made?.map(({ outcome }) => outcome.value)).toEqual([[expect.anything()]]);
    const names = context.journal.lines().map((line) => line.split(/\W/, 1)[0]);
    expect(names).toEqual(['process2', 'process1']);
  });
});

it('a check that asks for fresh ones gets no other', async () => {
  const first = await inCheck(async (context) => saveWith((await context.processes(1))[0]));
  await inCheck(async (context) => {
    expect((await context.freshProcesses(1))[0]).not.toBe(first);
    expect((await context.processes(1))[0]).toBe(first);
  });
});

it.each<[string, (process: StoreProcess | undefined) => unknown]>([
  ['was killed', (process) => process?.kill()],
  ['was let go of', (process) => process?.endsWithin(5_000)],
  ['saves until it is killed', (process) => process?.saveUntilKilled(unending)],
  [
    'has not answered yet',
    (process) => void process?.run([list], Date.now() * 2, 'in order').catch(() => {}),
  ],
])('one that %s is not used again, and is gone', async (_what, end) => {
  const first = await inCheck(async (context) => {
    const [process] = await context.processes(1);
    await end(process);
    return process;
  });
  expect(first?.isAlive).toBe(false);
  await inCheck(async (context) => expect((await context.processes(1))[0]).not.toBe(first));
});

const unending = { log: '/dev/null', lanes: 1, how: 'update' } as const;
