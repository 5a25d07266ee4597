import { testTokenStore } from '@tokenkeep/conformance/vitest';
import { cluster, single } from './definition.ts';

// Quick: the same checks with fewer rounds. `pnpm --filter @tokenkeep/conformance false-alarms` runs all.
testTokenStore(single, { strict: true, intensity: 'quick' });
testTokenStore(cluster, { strict: true, intensity: 'quick' });
