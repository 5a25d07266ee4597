import { testTokenStore } from '../src/vitest.ts';
import { eventLog, jsonColumn, slow, workerThread } from './correct/definitions.ts';
import { plainInFile, plainInMemory } from './correct-stores.ts';

testTokenStore(plainInMemory);
testTokenStore(plainInFile, { intensity: 'quick' });
// What a file adds, with all its rounds.
testTokenStore({ ...plainInFile, pace: 1 }, { clauses: ['D', 'S', 'C17'] });
// Whatever the design. `pnpm false-alarms` runs them with all rounds, many times.
for (const store of [eventLog, jsonColumn, workerThread, slow]) {
  testTokenStore(store, { intensity: 'quick' });
}
