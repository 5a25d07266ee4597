import type { ClearableField, OAuthToken, SaveOptions } from '@tokenkeep/core';
import { expect, it } from 'vitest';
import { checkTokenStore } from '../src/index.ts';
import { inMemory } from './broken/broken-store.ts';
import type { PlainTokenStore } from './broken/plain-token-store.ts';

/** What the stores of the vendor's SDK have a column for. */
const COLUMNS: readonly ClearableField[] = [
  'userSignature',
  'clientId',
  'clientSecret',
  'redirectUrl',
  'grantToken',
  'refreshToken',
  'accessToken',
  'apiDomain',
  'expiresAt',
];
const NO_COLUMNS = ['scope', 'tokenType', 'issuer', 'resource', 'lease', 'extra'] as const;

/** A store that does not keep some fields. */
function without(...fields: readonly ClearableField[]) {
  return inMemory(`no ${fields.join()}`, {
    methods: (store: PlainTokenStore) => ({
      saveToken: (token: OAuthToken, options?: SaveOptions) => {
        const isToken = typeof token?.with === 'function';
        const gone = isToken ? fields : [];
        const kept = gone.reduce((rest, field) => rest.with({ [field]: null }), token);
        return options === undefined ? store.saveToken(kept) : store.saveToken(kept, options);
      },
    }),
  });
}

const quick = { intensity: 'quick', seed: 7 } as const;

it('a store that names the fields that it keeps is not blamed for the others, and that is said', async () => {
  const report = await checkTokenStore({ ...without(...NO_COLUMNS), fields: COLUMNS }, quick);
  expect(report.failures).toEqual([]);
  const checks = report.clauses.flatMap((clause) => clause.checks);
  const left = checks.filter(({ reason }) =>
    reason?.includes('it needs what the store does not keep'),
  );
  // What is about them: extra, issuer, resource, how a scope looks.
  expect(left.map(({ clause }) => clause)).toContain('T1');
  expect(left.length).toBeLessThan(15);
});

it('without that it is blamed', async () => {
  const report = await checkTokenStore(without(...NO_COLUMNS), { ...quick, clauses: ['C3'] });
  expect(report.failures.map(({ clause }) => clause)).toContain('C3');
});

it('a field that is named has to be kept, in each of these clauses', async () => {
  const store = without(...NO_COLUMNS, 'apiDomain');
  const report = await checkTokenStore(
    { ...store, fields: COLUMNS },
    { ...quick, clauses: ['T4', 'C1', 'C3', 'A2'] },
  );
  const broken = new Set(report.failures.map(({ clause }) => clause));
  expect([...broken].toSorted()).toEqual(['A2', 'C1', 'C3', 'C4', 'T4']);
});
