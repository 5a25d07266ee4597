import { testTokenStore } from '../../src/vitest.ts';
import { eventLog, jsonColumn, workerThread } from './definitions.ts';

// Whatever the design. `pnpm false-alarms` runs them many times.
for (const store of [eventLog, jsonColumn, workerThread]) {
  testTokenStore(store, { intensity: 'quick' });
}
