import { keysOf } from '@tokenkeep/core/rules';
import { expect, it } from 'vitest';
import { modelChecks } from '../src/checks/model.ts';
import { runCheck } from '../src/run-check.ts';
import { settingsOf } from '../src/settings.ts';
import { type Fault, inMemory } from './broken/broken-store.ts';
import { BROKEN_STORES } from './broken/index.ts';

/** The clauses that the random sequences of calls say are broken. */
async function clausesOf(fault: string | Fault): Promise<string[]> {
  const broken = BROKEN_STORES.find((store) => store.fault === fault)?.definition;
  const definition = typeof fault === 'string' ? broken : inMemory('a store', fault);
  if (definition === undefined) throw new Error(`there is no broken store that ${fault}`);
  const settings = settingsOf({ intensity: 'standard', seed: 7 }, { factor: 1 });
  const clauses = new Set<string>();
  for (const check of modelChecks.filter(({ clause }) => clause === 'M1' || clause === 'V2')) {
    const { failures } = await runCheck(check, definition, settings);
    for (const { clause } of failures) clauses.add(clause);
  }
  return [...clauses];
}

it.each<[clause: string, fault: string, Fault]>([
  [
    'M1',
    'adds a token with an unknown id, whatever its other keys find',
    {
      rules: {
        keys: (token) => keysOf(token).filter(({ field }) => token.id == null || field === 'id'),
      },
    },
  ],
  [
    'C10',
    'lists nothing that has no refresh token',
    { rules: { listed: (records) => records.filter((one) => one.refreshToken != null) } },
  ],
])('the random sequences say %s of a store that %s', async (clause, _fault, how) => {
  expect(await clausesOf(how)).toEqual([clause]);
});

it.each([
  ['C11', 'still finds by a grant token what was deleted with all the others'],
  ['M2', 'does not look at the resource where it goes by a grant token'],
])('the random sequences say %s of the broken store that %s', async (clause, fault) => {
  expect(await clausesOf(fault)).toEqual([clause]);
});
