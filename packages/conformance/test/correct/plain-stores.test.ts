import { testTokenStore } from '../../src/vitest.ts';
import { inLargeBatches, plainInFile, plainInMemory } from '../correct-stores.ts';

testTokenStore(plainInMemory);
testTokenStore(plainInFile, { intensity: 'quick' });
testTokenStore(inLargeBatches, { intensity: 'quick', clauses: ['I'] });
