import { testTokenStore } from '@tokenkeep/conformance/vitest';
import { describeServer } from '@tokenkeep/test-servers';
import { beforeAll } from 'vitest';
import definition, { startServer } from './definition.ts';

beforeAll(async () => {
  console.log(describeServer(await startServer()));
}, 180_000);

// Quick: the same checks with fewer rounds. `pnpm --filter @tokenkeep/conformance false-alarms` runs all.
testTokenStore(definition, { intensity: 'quick' });
