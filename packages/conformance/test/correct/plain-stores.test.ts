import { testTokenStore } from '../../src/vitest.ts';
import { inLargeBatches, plainInFile, plainInMemory } from '../correct-stores.ts';

testTokenStore(plainInMemory);
testTokenStore(plainInFile, { intensity: 'quick' });
// What a file adds, with all its rounds.
testTokenStore({ ...plainInFile, pace: 1 }, { clauses: ['D', 'S', 'C17'] });
testTokenStore(inLargeBatches, { intensity: 'quick', clauses: ['I'] });
