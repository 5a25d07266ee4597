import { testTokenStore } from '@tokenkeep/conformance/node-test';
import { broken, right } from './definitions.ts';

testTokenStore(right, { clauses: ['C2'] });
testTokenStore(broken, { clauses: ['C2'] });
