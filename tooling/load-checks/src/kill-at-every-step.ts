import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { OAuthToken, type TokenInit, type TokenRecord, type TokenStore } from '@tokenkeep/core';

/** A save whose process is killed. */
interface KilledSave {
  readonly before: readonly TokenInit[];
  readonly token: TokenInit;
  /** What has to be there after the save, but for ids and versions. */
  readonly after: readonly TokenRecord[];
}

const ada = { userSignature: { name: 'ada' } };

/** Saves that differ in what they write. */
export const KILLED_SAVES: readonly [title: string, save: KilledSave][] = [
  [
    'while it adds a record',
    {
      before: [],
      token: { ...ada, refreshToken: 'r' },
      after: [{ userName: 'ada', refreshToken: 'r' }],
    },
  ],
  [
    'while it updates one',
    {
      before: [{ ...ada, refreshToken: 'r' }],
      token: { ...ada, accessToken: 'a' },
      after: [{ userName: 'ada', refreshToken: 'r', accessToken: 'a' }],
    },
  ],
  [
    'while it adds one for another client of the same user',
    {
      before: [{ ...ada, clientId: '1', refreshToken: 'r' }],
      token: { ...ada, clientId: '2', refreshToken: 's' },
      after: [
        { userName: 'ada', clientId: '1', refreshToken: 'r' },
        { userName: 'ada', clientId: '2', refreshToken: 's' },
      ],
    },
  ],
  [
    'while it makes one of two',
    {
      before: [
        { ...ada, accessToken: 'a' },
        { refreshToken: 'r', grantToken: 'g' },
      ],
      token: { ...ada, refreshToken: 'r' },
      after: [{ userName: 'ada', accessToken: 'a', refreshToken: 'r', grantToken: 'g' }],
    },
  ],
];

/** At the same time, so that it does not take so long. */
const PROCESSES = 4;

/** A new, empty place, as arguments of the program, and a store that is open there. */
interface Opened {
  readonly place: readonly string[];
  readonly store: TokenStore;
}

/**
 * Lets a program that calls {@link saveUntilKilled} do a save and die one step later each time, in a
 * new place, until it gets through.
 *
 * @returns how often it was killed
 * @throws Error if what it left is neither what was there before nor what has to be there after, or
 *   if the same save does not lead there now
 */
export async function killAtEveryStep(
  program: URL,
  save: KilledSave,
  open: () => Promise<Opened>,
): Promise<number> {
  for (let steps = 0; ; steps += PROCESSES) {
    const isKilled = await Promise.all(
      Array.from({ length: PROCESSES }, (_, more) => kill(program, save, open, steps + more)),
    );
    const done = isKilled.indexOf(false);
    if (done !== -1) return steps + done;
  }
}

/** @returns `false` if the program ended before so many steps */
async function kill(
  program: URL,
  { before, token, after }: KilledSave,
  open: () => Promise<Opened>,
  steps: number,
): Promise<boolean> {
  const { place, store } = await open();
  try {
    for (const init of before) await store.saveToken(new OAuthToken(init));
    const untouched = await contents(store);
    const expected = comparable(after);
    const child = spawn(
      process.execPath,
      [fileURLToPath(program), `${steps}`, JSON.stringify(token), ...place],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const [code, signal]: (number | NodeJS.Signals | null)[] = await once(child, 'exit');
    if (signal !== 'SIGKILL' && code !== 0) throw new Error(`the program ended with ${code}`);
    const left = await contents(store);
    if (left !== expected && left !== untouched) {
      throw new Error(`killed after ${steps} steps it left ${left}`);
    }
    await store.saveToken(new OAuthToken(token));
    const repaired = await contents(store);
    if (repaired !== expected) {
      throw new Error(`killed after ${steps} steps; the same save led to ${repaired}`);
    }
    return signal !== null;
  } finally {
    await store.close();
  }
}

/**
 * What such a program does: saves the token that it was given, and kills itself after so many steps.
 *
 * @param open opens a store at the place that calls `step` at each step that it does
 */
export async function saveUntilKilled(
  open: (place: readonly string[], step: () => void) => TokenStore,
): Promise<void> {
  const [steps, token = '', ...place] = process.argv.slice(2);
  let left = Number.POSITIVE_INFINITY;
  const step = (): void => {
    if (left === 0) process.kill(process.pid, 'SIGKILL');
    left -= 1;
  };
  const store = open(place, step);
  // The first call opens the store: its steps are not counted.
  await store.findToken(new OAuthToken({ userSignature: { name: 'nobody' } }));
  left = Number(steps);
  step();
  await store.saveToken(new OAuthToken(JSON.parse(token)));
  left = Number.POSITIVE_INFINITY;
  await store.close();
}

async function contents(store: TokenStore): Promise<string> {
  return comparable((await store.getTokens()).map((token) => token.toRecord()));
}

/** Without what the store itself gives, in an order that does not depend on the store. */
function comparable(records: readonly TokenRecord[]): string {
  return records
    .map(({ id: _id, version: _version, ...fields }) =>
      JSON.stringify(Object.entries(fields).sort()),
    )
    .sort()
    .join('\n');
}
