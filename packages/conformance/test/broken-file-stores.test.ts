import { CHECKS } from '../src/checks/index.ts';
import { BROKEN_STORES } from './broken/index.ts';
import { testBrokenStores } from './broken/test-broken-stores.ts';

testBrokenStores(
  BROKEN_STORES.filter(({ definition }) => definition.durable),
  CHECKS.filter(({ title, clause }) => /^[DS]/.test(clause) || title.includes('process')),
);
