import { type OAuthToken, type SaveOptions, TokenStoreError } from '@tokenkeep/core';
import { expect, it } from 'vitest';
import { CHECKS } from '../src/checks/index.ts';
import { checkTokenStore, type TokenStoreDefinition } from '../src/index.ts';
import { prettyReport } from '../src/printers/pretty.ts';
import { runCheck } from '../src/run-check.ts';
import { settingsOf } from '../src/settings.ts';
import { type Fault, inMemory } from './broken/broken-store.ts';
import { BROKEN_STORES } from './broken/index.ts';
import { SlowShelf, slowStore } from './correct/slow-store.ts';

const quick = { intensity: 'quick', seed: 7 } as const;

/** What the kit finds wrong with a store that has this fault, of one clause. */
async function failuresOf(clause: string, store: Fault | TokenStoreDefinition) {
  const definition = 'open' in store ? store : inMemory('a store', store);
  return (await checkTokenStore(definition, { ...quick, clauses: [clause] })).failures;
}

function brokenBy(fault: string): TokenStoreDefinition {
  const store = BROKEN_STORES.find((one) => one.fault === fault);
  if (store === undefined) throw new Error(`there is no broken store that ${fault}`);
  return store.definition;
}

it('a call that failed is told with its code, its operation, the code of the driver, and the calls before it', async () => {
  const failures = await failuresOf('C2', {
    methods: () => ({
      findTokenById: async () => {
        throw new TokenStoreError('STORAGE_FAILED', 'The server is gone.', {
          operation: 'findTokenById',
          retryable: true,
          driverCode: 'ECONNRESET',
        });
      },
    }),
  });
  // By the checks of the clause, and by the random sequences.
  expect(failures).toHaveLength(3);
  for (const { actual, done } of failures) {
    expect(actual).toMatch(
      /failed with STORAGE_FAILED, operation findTokenById, driver code ECONNRESET, .*The server is gone/,
    );
    expect(done).toContainEqual(expect.stringMatching(/^store\.findTokenById\(.* rejected: /));
  }
  expect(failures.at(-1)?.where).toContain('report.test.ts:');
  expect(new Set(failures.map(({ cause }) => cause)).size).toBe(1);
});

it('a rejection that nobody handles is told with its stack', async () => {
  const failures = await failuresOf(
    'C14',
    brokenBy('leaves a rejection behind that nobody handles'),
  );
  const stray = failures.find(({ expected }) => expected.includes('thrown outside of the promise'));
  expect(stray?.actual).toMatch(/^this was: .*\n {4}at .*broken\/failing\.ts:\d+:\d+/);
});

it('what other processes did is told call by call', async () => {
  const store = brokenBy('remembers in each process that there was nothing');
  const [failure] = await failuresOf('S1', store);
  expect(failure?.done).toContainEqual(expect.stringMatching(/^process\d\.\w+\(.* gave /));
});

it('the hint is about what was seen: an order that differs is no matter of `WHERE id = ?`', async () => {
  const failures = await failuresOf('C9', { rules: { listed: (all) => all.toReversed() } });
  const hints = failures.map(({ clause, check, hint }) => `${clause} ${check}: ${hint}`);
  expect(hints).toContainEqual(
    expect.stringMatching(/^C9 deleteToken removes .*: It is the order that differs: ORDER BY /),
  );
  expect(hints).toContainEqual(
    expect.stringMatching(/^C10 random sequences .*: It is the order that differs: ORDER BY /),
  );
});

it('a call that does not settle has a hint about slow stores, whatever clause was checked', async () => {
  const never = { methods: () => ({ findTokenById: () => new Promise(() => {}) }) };
  const options = { ...quick, clauses: ['C2'], timeout: 200 };
  const { failures } = await checkTokenStore({ ...inMemory('a store', never), pace: 1 }, options);
  const outOfTime = failures.filter(({ cause }) => cause === 'time ran out');
  expect(outOfTime).not.toHaveLength(0);
  for (const { hint } of outOfTime) expect(hint).toContain('`static pace = 10` in the class');
});

it('what was looked for is told in plain words', async () => {
  const failures = await failuresOf('M1', brokenBy('knows no access token as a key'));
  const told = failures.map(({ expected }) => expected).join('\n');
  expect(told).toContain('the key by which a token with all three tokens and no client finds');
  expect(told).not.toMatch(/[a-z][A-Z]\w+The |its to be/);
});

it('each failure tells where its clause stands in full', async () => {
  const failures = await failuresOf('C', { rules: { listed: (all) => all.toReversed() } });
  expect(failures.length).toBeGreaterThan(1);
  for (const { clause, address } of failures) {
    expect(address).toMatch(new RegExp(`^https:.*contract\\.md#${clause.toLowerCase()}$`));
  }
});

it('failures of one cause are one thing to put right, which comes last', async () => {
  const report = await checkTokenStore(
    inMemory('a store', {
      methods: () => ({
        getTokens: async () => {
          throw new TypeError('records is undefined');
        },
      }),
    }),
    { ...quick, clauses: ['M', 'C', 'V'] },
  );
  const text = prettyReport(report);
  expect(text).toMatch(/Put this right first: one cause broke \d+ checks of \d\d clauses\n/);
  expect(text.split('\n').length).toBeLessThan(120);
  expect(text).toContain('StorageTokenStore of @tokenkeep/core');
});

it('a store that does not say how slow it is is measured, and the report says so', async () => {
  const shelves = new Map<unknown, SlowShelf>();
  const store: TokenStoreDefinition = {
    ...inMemory('a slow store'),
    open: (place) => {
      const shelf = shelves.get(place) ?? new SlowShelf();
      shelves.set(place, shelf);
      return slowStore(shelf);
    },
  };
  const report = await checkTokenStore(store, { ...quick, clauses: ['C2', 'A1'] });
  const text = prettyReport(report);
  expect(text).toMatch(/pace \d+, as a call takes \d+ ms: .*`static pace = \d+` in the class/);
  expect(text).toMatch(/tried less often because of the pace: .*A1 \d of \d rounds/);
  expect(report.failures).toEqual([]);
});

it.each(CHECKS.filter(({ title }) => title.startsWith('hostile strings')))(
  'a pace leaves no string out: $clause $title',
  async (check) => {
    const [all, paced] = await Promise.all(
      [1, 10].map((factor) =>
        usesOf((store) => runCheck(check, store, settingsOf(quick, { factor }))),
      ),
    );
    expect(all?.saves).toBeGreaterThan(20);
    expect(paced).toEqual(all);
  },
);

it.each(['M1', 'V2'])('a pace leaves sixty random programs of %s at least', async (clause) => {
  const { places } = await usesOf((store) =>
    checkTokenStore({ ...store, pace: 10 }, { seed: 7, clauses: [clause] }),
  );
  expect(places).toBeGreaterThanOrEqual(60);
});

/** How many places a run makes, and how many tokens it saves. */
async function usesOf(run: (store: TokenStoreDefinition) => Promise<unknown>) {
  const uses = { saves: 0, places: 0 };
  const counted = inMemory('a store', {
    methods: (store) => ({
      saveToken: (token: OAuthToken, ...rest: [] | [SaveOptions]) => {
        uses.saves += 1;
        return store.saveToken(token, ...rest);
      },
    }),
  });
  const location = () => {
    uses.places += 1;
    return counted.location();
  };
  await run({ ...counted, location });
  return uses;
}

it('a clause that only a check of another one found broken says which, beside checks that passed', async () => {
  const definition = inMemory('a store', {
    rules: { listed: (records) => records.filter((one) => one.refreshToken != null) },
  });
  const options = { intensity: 'standard', seed: 7, clauses: ['C10'] } as const;
  const report = await checkTokenStore(definition, options);
  const listing = report.clauses.find(({ clause }) => clause === 'C10');
  expect(new Set(listing?.checks.map(({ status }) => status))).toEqual(new Set(['passed']));
  expect(listing?.status).toBe('failed');
  expect(listing?.reason).toMatch(/^a check of (M1|V2) found it broken: random sequences/);
});
