import type { TokenInit } from '@tokenkeep/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Fault, Reading } from './model-documents.ts';
import {
  type Action,
  documentsAfter,
  runScenario,
  type Scenario,
  serialOutcomes,
} from './scenario.ts';
import { atRandom, type Choose, inEveryOrder, randomNumbers } from './schedule.ts';

const user = (name: string) => ({ userSignature: { name } });
const save = (init: TokenInit): Action => ({ save: init });
const ada = user('ada');
const adaOf1 = { ...ada, clientId: '1', refreshToken: 'r1' };
const adaOf2 = { ...ada, clientId: '2', refreshToken: 'r2' };

// Who lost a race pauses: here until its next turn, which comes when it is chosen.
beforeEach(() => {
  vi.stubGlobal('setTimeout', queueMicrotask);
});
afterEach(() => vi.unstubAllGlobals());

/** What two clients do at once. */
const RACES: readonly [string, Scenario][] = [
  [
    'one new user',
    { clients: [[save({ ...ada, refreshToken: 'r' })], [save({ ...ada, accessToken: 'a' })]] },
  ],
  [
    'one known user',
    {
      before: [save({ ...ada, refreshToken: 'r' })],
      clients: [[save({ ...ada, accessToken: 'a' })], [save({ ...ada, accessToken: 'b' })]],
    },
  ],
  [
    'one new access token of two records',
    {
      before: [save({ ...ada, refreshToken: 'r' }), save({ grantToken: 'g' })],
      clients: [
        [save({ ...ada, accessToken: 'a' })],
        [save({ grantToken: 'g', clientId: '1', accessToken: 'a' })],
      ],
    },
  ],
  ['one user of two clients', { clients: [[save(adaOf1)], [save(adaOf2)]] }],
  [
    'one user of a third client',
    {
      before: [save(adaOf1), save(adaOf2)],
      clients: [
        [save({ ...adaOf1, clientId: '3' })],
        [save({ ...adaOf1, clientId: '3', refreshToken: 'r3' })],
      ],
    },
  ],
  [
    'one user with and without a client',
    { clients: [[save({ ...ada, refreshToken: 'r' })], [save(adaOf2)]] },
  ],
  [
    'one user without a client, beside two with one',
    { before: [save(adaOf1)], clients: [[save(adaOf2)], [save({ ...ada, accessToken: 'a' })]] },
  ],
  [
    'one refresh token with and without a user',
    { clients: [[save({ refreshToken: 'r' })], [save({ ...ada, refreshToken: 'r' })]] },
  ],
  [
    'a user and a refresh token that turn out to be one',
    {
      before: [save({ ...ada, accessToken: 'a' }), save({ refreshToken: 'r', grantToken: 'g' })],
      clients: [
        [save({ ...ada, refreshToken: 'r' })],
        [save({ refreshToken: 'r', clientId: '1', accessToken: 'b' })],
      ],
    },
  ],
  [
    'a user and a refresh token that turn out to be one, twice',
    {
      before: [save({ ...ada, accessToken: 'a' }), save({ refreshToken: 'r' })],
      clients: [
        [save({ ...ada, refreshToken: 'r' })],
        [save({ ...ada, refreshToken: 'r', accessToken: 'b' })],
      ],
    },
  ],
  [
    'two records that absorb each other',
    {
      before: [save({ accessToken: 'a' }), save({ refreshToken: 'r' })],
      clients: [
        [save({ accessToken: 'a', refreshToken: 'r' })],
        [save({ clientId: '1', accessToken: 'a', refreshToken: 'r' })],
      ],
    },
  ],
  [
    'one record that two others absorb',
    {
      before: [
        save(adaOf1),
        save({ grantToken: 'g', clientId: '1', ...user('bob') }),
        save({ accessToken: 'a' }),
      ],
      clients: [
        [save({ ...ada, clientId: '1', accessToken: 'a' })],
        [save({ ...user('bob'), clientId: '1', accessToken: 'a' })],
      ],
    },
  ],
  [
    'a record that is absorbed with a key that it shares with others',
    {
      before: [
        save({ ...ada, accessToken: 'a' }),
        save({ clientId: '1', refreshToken: 'r', grantToken: 'g' }),
        save({ clientId: '2', refreshToken: 's', grantToken: 'g' }),
      ],
      clients: [
        [save({ ...ada, refreshToken: 'r' })],
        [save({ ...user('bob'), clientId: '3', grantToken: 'g' })],
      ],
    },
  ],
  [
    'a record that is absorbed with a key that another wants, too',
    {
      before: [
        save({ ...ada, accessToken: 'a' }),
        save({ clientId: '1', refreshToken: 'r', grantToken: 'g' }),
      ],
      clients: [
        [save({ ...ada, refreshToken: 'r' })],
        [save({ clientId: '2', refreshToken: 's', grantToken: 'g' })],
      ],
    },
  ],
  [
    'a record that is absorbed and deleted',
    {
      before: [
        save({ ...ada, accessToken: 'a' }),
        save({ id: 'other', refreshToken: 'r', grantToken: 'g' }),
      ],
      clients: [
        [save({ ...ada, refreshToken: 'r' })],
        [{ delete: 'other' }, { find: { refreshToken: 'r' } }],
      ],
    },
  ],
  [
    'a record that absorbs and is deleted',
    {
      before: [save({ id: 'one', ...ada, accessToken: 'a' }), save({ refreshToken: 'r' })],
      clients: [[save({ ...ada, refreshToken: 'r' })], [{ delete: 'one' }]],
    },
  ],
  [
    'a rename and a save of the new name',
    {
      before: [save({ id: 'one', ...ada, refreshToken: 'r' })],
      clients: [
        [save({ id: 'one', ...user('bob') })],
        [save({ ...user('bob'), refreshToken: 's' })],
      ],
    },
  ],
  [
    'a rename and a save of another who has the same refresh token',
    {
      before: [save({ id: 'one', ...ada, refreshToken: 'r' })],
      clients: [
        [save({ id: 'one', ...user('bob') })],
        [save({ ...user('bob'), refreshToken: 'r' })],
      ],
    },
  ],
  [
    'a move to another client and a save of that client with the same refresh token',
    {
      preemptions: 3,
      before: [save({ id: 'one', ...ada, clientId: '1', refreshToken: 'r' })],
      clients: [
        [save({ id: 'one', clientId: '2' })],
        [save({ clientId: '2', refreshToken: 'r', accessToken: 'a' })],
      ],
    },
  ],
  [
    'a move to a third client of who shares a refresh token, and a save of that client',
    {
      before: [
        save({ clientId: '1', refreshToken: 'r' }),
        save({ id: 'one', clientId: '2', refreshToken: 'r' }),
      ],
      clients: [
        [save({ id: 'one', clientId: '3' })],
        [save({ clientId: '3', refreshToken: 'r', accessToken: 'a' })],
      ],
    },
  ],
  [
    'two renames of records with the same refresh token',
    {
      before: [
        save({ id: 'one', ...ada, refreshToken: 'r' }),
        save({ id: 'two', ...user('bob'), refreshToken: 'r' }),
      ],
      clients: [[save({ id: 'one', ...user('cy') })], [save({ id: 'two', ...user('cy') })]],
    },
  ],
  [
    'a token that names no user and another user with its refresh token',
    {
      preemptions: 3,
      before: [save({ ...ada, refreshToken: 'r' })],
      clients: [
        [save({ refreshToken: 'r', scope: 's' })],
        [save({ ...user('bob'), refreshToken: 'r' }), { find: ada }],
      ],
    },
  ],
  [
    'an id that names no record yet, and one that gets it',
    {
      before: [save({ refreshToken: 'r' })],
      clients: [
        [save({ id: 'one', refreshToken: 'r', scope: 's' })],
        [save({ id: 'one', accessToken: 'a' }), { find: { refreshToken: 'r' } }],
      ],
    },
  ],
  [
    'one explicit id',
    {
      clients: [
        [save({ id: 'one', refreshToken: 'r' })],
        [save({ id: 'one', refreshToken: 's', accessToken: 'a' })],
      ],
    },
  ],
  [
    'a save and deleteTokens',
    {
      before: [save({ id: 'one', ...adaOf1 }), save({ id: 'two', ...adaOf2 })],
      clients: [[save({ ...adaOf1, accessToken: 'a' })], [{ clear: ['one', 'two'] }]],
    },
  ],
  [
    'an absorbing save and deleteTokens',
    {
      before: [
        save({ id: 'one', ...ada, accessToken: 'a' }),
        save({ id: 'two', refreshToken: 'r' }),
      ],
      clients: [[save({ ...ada, refreshToken: 'r' })], [{ clear: ['one', 'two'] }]],
    },
  ],
  [
    'a third client of a user and deleteTokens',
    {
      before: [save({ id: 'one', ...adaOf1 }), save({ id: 'two', ...adaOf2 })],
      clients: [[save({ ...adaOf1, clientId: '3' })], [{ clear: ['one', 'two'] }]],
    },
  ],
  [
    'the same version',
    {
      before: [save({ ...ada, refreshToken: 'r' })],
      clients: [
        [{ save: { ...ada, accessToken: 'a' }, ifVersion: 1 }],
        [{ save: { ...ada, accessToken: 'b' }, ifVersion: 1 }],
      ],
    },
  ],
  [
    'an absorbing save and who looks',
    {
      before: [save({ ...ada, accessToken: 'a' }), save({ refreshToken: 'r', grantToken: 'g' })],
      clients: [
        [save({ ...ada, refreshToken: 'r' })],
        [{ find: { refreshToken: 'r' } }, { find: ada }],
      ],
    },
  ],
  [
    'an absorbing save and who reads all',
    {
      before: [
        save({ id: 'one', clientId: '1', refreshToken: 'r' }),
        save({ refreshToken: 's', grantToken: 'g' }),
        save({ id: 'two', ...ada, accessToken: 'a' }),
      ],
      clients: [[save({ ...ada, refreshToken: 's' })], [{ list: ['one', 'two'] }]],
    },
  ],
];

/** What three clients do at once. */
const CROWDS: readonly [string, Scenario][] = [
  [
    'one user of two clients, one of which goes, and without a client',
    {
      clients: [
        [save({ id: 'one', ...adaOf1 }), { delete: 'one' }],
        [save(adaOf2)],
        [save({ ...ada, refreshToken: 'r3' })],
      ],
    },
  ],
  [
    'one refresh token of two users and of none',
    {
      clients: [
        [save({ ...ada, refreshToken: 'r' })],
        [save({ ...user('bob'), refreshToken: 'r' })],
        [save({ refreshToken: 'r', accessToken: 'a' })],
      ],
    },
  ],
  [
    'a third client of a user, the same again, and a deletion',
    {
      before: [save({ id: 'one', ...adaOf1 }), save(adaOf2)],
      clients: [
        [save({ ...ada, clientId: '3', refreshToken: 'r3' })],
        [save({ ...ada, clientId: '3', refreshToken: 'r4' })],
        [{ delete: 'one' }],
      ],
    },
  ],
  [
    'records that turn out to be one, saves of each and of a stranger',
    {
      before: [save({ ...ada, accessToken: 'a' }), save({ refreshToken: 'r', grantToken: 'g' })],
      clients: [
        [save({ ...ada, refreshToken: 'r' })],
        [save({ ...ada, accessToken: 'b' })],
        [save({ clientId: '9', grantToken: 'g', scope: 's' })],
      ],
    },
  ],
  [
    'a rename, a save of the new name, and one that has its refresh token',
    {
      before: [save({ id: 'one', ...ada, clientId: '1', refreshToken: 'r' })],
      clients: [
        [save({ id: 'one', ...user('bob') })],
        [save({ ...user('bob'), clientId: '2', refreshToken: 'r' })],
        [save({ ...user('bob'), refreshToken: 's' })],
      ],
    },
  ],
  [
    'an absorbing save, deleteTokens and who reads all',
    {
      before: [
        save({ id: 'one', ...ada, accessToken: 'a' }),
        save({ id: 'two', refreshToken: 'r' }),
      ],
      clients: [
        [save({ ...ada, refreshToken: 'r' })],
        [{ clear: ['one', 'two'] }],
        [{ find: ada }],
      ],
    },
  ],
  [
    'two absorbing saves and who reads all, twice',
    {
      before: [
        save({ refreshToken: 's', grantToken: 'g' }),
        save({ id: 'one', ...ada, accessToken: 'a' }),
        save({ id: 'two', ...user('bob'), accessToken: 'b' }),
        save({ refreshToken: 't' }),
      ],
      clients: [
        [save({ ...ada, refreshToken: 's' })],
        [save({ ...user('bob'), refreshToken: 't' })],
        [{ list: ['one', 'two'] }, { list: ['one', 'two'] }],
      ],
    },
  ],
];

const READINGS: readonly [Reading, ...Reading[]] = [
  'at one moment',
  'first to last',
  'last to first',
];

async function check(scenario: Scenario, allowed: ReadonlySet<string>, choose: Choose) {
  const outcome = await runScenario(scenario, choose);
  if (allowed.has(outcome)) return;
  expect.fail(`${scenario.reading}: ${outcome}\nis none of\n${[...allowed].join('\n')}`);
}

describe('what is done at once ends as some order of it would have', () => {
  it.each(RACES)('%s', async (_name, race) => {
    const allowed = await serialOutcomes(race);
    for (const reading of READINGS) {
      // Where documents are read one by one there are more steps, and far more orders.
      const preemptions = reading === 'at one moment' ? (race.preemptions ?? 2) : 1;
      const orders = await inEveryOrder(preemptions, (choose) =>
        check({ ...race, reading }, allowed, choose),
      );
      expect(orders).toBeGreaterThan(5);
      for (let seed = 1; seed <= 50; seed += 1) {
        await check({ ...race, reading }, allowed, atRandom(seed));
      }
    }
  });

  it.each(CROWDS)('%s', async (_name, crowd) => {
    const allowed = await serialOutcomes(crowd);
    for (const reading of READINGS) {
      const scenario = { ...crowd, reading };
      expect(await inEveryOrder(1, (choose) => check(scenario, allowed, choose))).toBeGreaterThan(
        9,
      );
      for (let seed = 1; seed <= 50; seed += 1) await check(scenario, allowed, atRandom(seed));
    }
  });
});

/** A scenario of three clients with few users, clients and tokens, so that much is shared. */
function randomScenario(seed: number): Scenario {
  const next = randomNumbers(seed);
  const one = <T>(...choices: readonly [T, ...T[]]): T =>
    choices[Math.floor(next() * choices.length)] ?? choices[0];
  const token = (): TokenInit => ({
    id: one(null, null, null, null, 'one', 'two'),
    userSignature: one(null, { name: 'ada' }, { name: 'bob' }),
    clientId: one(null, '1', '2'),
    refreshToken: one(null, 'r', 's'),
    grantToken: one(null, null, 'g'),
    accessToken: one(null, 'a', 'b'),
  });
  const action = (): Action =>
    one<() => Action>(
      () => save(token()),
      () => save(token()),
      () => save(token()),
      () => ({ save: token(), ifVersion: one(0, 1, 2) }),
      () => ({ save: { ...token(), refreshToken: null }, clear: ['refreshToken'] }),
      () => ({ save: token(), ifExists: true }),
      () => ({ find: token() }),
      () => ({ delete: one('one', 'two') }),
      () => ({ delete: one('one', 'two'), ifVersion: one(1, 2) }),
    )();
  return {
    before: Array.from({ length: one(0, 1, 2, 3) }, () => save(token())),
    clients: [[action()], [action(), action()].slice(0, one(1, 2)), [action()]],
    reading: one(...READINGS),
  };
}

it('whatever is done at once ends as some order of it would have', async () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const scenario = randomScenario(seed);
    const allowed = await serialOutcomes(scenario);
    for (let order = 1; order <= 4; order += 1) {
      await check(scenario, allowed, atRandom(seed * 10 + order));
    }
  }
});

it('whatever is done at once by clients of which one is killed ends so, too', async () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const scenario = { ...randomScenario(seed), firstStopsAfter: seed % 30 };
    const allowed = await serialOutcomes(scenario);
    for (let order = 1; order <= 3; order += 1) {
      await check(scenario, allowed, atRandom(seed * 10 + order));
    }
  }
});

describe('the model finds out that something is left out:', () => {
  it.each<Fault>(['claims', 'touching', 'keepers', 'revisions'])('%s', async (fault) => {
    const isFound = async (seed: number): Promise<boolean> => {
      const scenario = randomScenario(seed);
      try {
        const outcome = await runScenario(scenario, atRandom(seed), fault);
        return !(await serialOutcomes(scenario)).has(outcome);
      } catch {
        return true;
      }
    };
    let seed = 1;
    while (seed <= 500 && !(await isFound(seed))) seed += 1;
    expect(seed).toBeLessThanOrEqual(500);
  });
});

describe('nothing is left over', () => {
  it.each<[string, number, Action[]]>([
    [
      'of a key that several records had',
      0,
      [
        save({ id: 'one', ...adaOf1 }),
        save({ id: 'two', ...adaOf2 }),
        { delete: 'one' },
        { delete: 'two' },
      ],
    ],
    [
      'of a key that a record gave up',
      2,
      [
        save({ id: 'one', ...ada, refreshToken: 'r' }),
        save({ id: 'two', ...user('bob'), refreshToken: 'r' }),
        save({ id: 'one', refreshToken: 's' }),
        save({ id: 'two', refreshToken: 't' }),
      ],
    ],
    [
      'of a record that was absorbed, once its keys are given up',
      1,
      [
        save({ refreshToken: 'r' }),
        save({ ...ada, accessToken: 'a' }),
        save({ ...ada, refreshToken: 'r' }),
        save({ ...ada, refreshToken: 's' }),
      ],
    ],
    ['after deleteTokens', 0, [save(adaOf1), save(adaOf2), { clear: [] }]],
  ])('%s', async (_name, documents, actions) => {
    expect(await documentsAfter(actions)).toBe(documents);
  });
});

describe("a client that is killed between any two steps is in nobody's way", () => {
  const killAtEveryStep = async (
    race: Scenario,
    run: (scenario: Scenario, allowed: ReadonlySet<string>) => Promise<void>,
  ) => {
    const allowed = await serialOutcomes({ ...race, firstStopsAfter: 0 });
    let isStopped = true;
    for (let firstStopsAfter = 0; isStopped; firstStopsAfter += 1) {
      isStopped = false;
      const onStopped = () => {
        isStopped = true;
      };
      await run({ ...race, firstStopsAfter, onStopped }, allowed);
    }
  };

  it.each(RACES)('%s', (_name, race) =>
    killAtEveryStep(race, async (scenario, allowed) => {
      await inEveryOrder(1, (choose) => check(scenario, allowed, choose));
    }),
  );

  // With a third client there are too many orders to try each.
  it.each(CROWDS)('%s', (_name, crowd) =>
    killAtEveryStep(crowd, async (scenario, allowed) => {
      for (let seed = 1; seed <= 20; seed += 1) await check(scenario, allowed, atRandom(seed));
    }),
  );
});
