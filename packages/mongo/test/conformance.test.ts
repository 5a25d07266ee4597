import { testTokenStore } from '@tokenkeep/conformance/vitest';
import { describeServer } from '@tokenkeep/test-servers';
import { afterAll, beforeAll } from 'vitest';
import definition, { startServer } from './definition.ts';

beforeAll(async () => {
  console.log(describeServer(await startServer()));
}, 180_000);
afterAll(async () => (await startServer()).stop());

// Quick: the same checks with fewer rounds. `pnpm --filter @tokenkeep/conformance false-alarms` runs all.
testTokenStore(definition, { intensity: 'quick' });
