import { testTokenStore } from '@tokenkeep/conformance/vitest';
import { beforeAll } from 'vitest';
import definition, { sharedMongo } from './definition.ts';

// It may have to be fetched first, which takes longer than a check may.
beforeAll(async () => {
  await sharedMongo();
});

// Quick: the same checks with fewer rounds. `pnpm --filter @tokenkeep/conformance false-alarms` runs all.
testTokenStore(definition, { strict: true, intensity: 'quick' });
