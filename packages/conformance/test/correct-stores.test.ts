import { testTokenStore } from '../src/vitest.ts';
import { plainInFile, plainInMemory } from './correct-stores.ts';

testTokenStore(plainInMemory);
// What a file adds. It writes all records each time: too slow for the rest.
testTokenStore(plainInFile, { clauses: ['D', 'S', 'C17'] });
