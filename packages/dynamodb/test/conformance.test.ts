import { testTokenStore } from '@tokenkeep/conformance/vitest';
import definition from './definition.ts';

// Quick: the same checks with fewer rounds. `pnpm --filter @tokenkeep/conformance false-alarms` runs all.
testTokenStore(definition, { strict: true, intensity: 'quick' });
