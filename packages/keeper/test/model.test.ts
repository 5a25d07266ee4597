import { expect, test } from 'vitest';
import { explore } from './model/explore.ts';
import { asShipped, BROKEN_VARIANTS, type Variant } from './model/process.ts';
import { problemOf } from './model/promises.ts';
import { ROTATIONS } from './model/provider.ts';
import { FAULTS, type Scenario, WRITERS } from './model/world.ts';

const SCENARIOS: readonly Scenario[] = ROTATIONS.flatMap((rotation) =>
  WRITERS.flatMap((writer) =>
    FAULTS.flatMap((fault) => [
      { rotation, writer, fault, slow: false, version: 1 as const },
      { rotation, writer, fault, slow: false, version: 2 as const },
      { rotation, writer, fault, slow: true, version: 2 as const },
    ]),
  ),
);

test('in every order of the steps of two processes, nothing is lost', async () => {
  let states = 0;
  let ends = 0;
  for (const scenario of SCENARIOS) {
    const explored = await explore(scenario, asShipped, problemOf);
    expect(explored.violation, JSON.stringify(scenario)).toBeUndefined();
    states += explored.states;
    ends += explored.ends;
  }
  console.log(`${SCENARIOS.length} scenarios, ${states} states, ${ends} ends: nothing lost`);
}, 180_000);

/** What a variant breaks, each with the shortest way to it that was found first. */
async function violationsOf(variant: Variant): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const scenario of SCENARIOS) {
    if (scenario.slow) continue;
    const { violation } = await explore(scenario, variant, problemOf);
    if (violation === undefined || found.has(violation.problem)) continue;
    const { rotation, writer, fault } = scenario;
    const title = `a provider that ${rotation}, ${writer}, ${fault}`;
    found.set(violation.problem, [`${title}:`, ...violation.moves].join('\n  '));
  }
  return found;
}

test.each([
  ['no re-read', 'R2 a refresh token was sent twice'],
  ['whole-row compare-and-set', 'R3 the refresh token that works was lost'],
  ['blind save', 'R3 the new login was replaced by what came before it'],
  ['blind save', 'R5 what was deleted came back'],
  ['delete on invalid_grant', 'R4 the record was deleted'],
])('%s is found out: %s', async (name, problem) => {
  const found = await violationsOf(BROKEN_VARIANTS[name] ?? asShipped);
  expect([...found.keys()]).toContain(problem);
  console.log(`${name}: ${problem}\n${found.get(problem)}`);
});
