import { testTokenStore } from '@tokenkeep/conformance/vitest';
import { mariadb, mysql } from './definition.ts';

// Quick: the same checks with fewer rounds. `pnpm --filter @tokenkeep/conformance false-alarms` runs all.
testTokenStore(mariadb, { strict: true, intensity: 'quick' });
testTokenStore(mysql, { strict: true, intensity: 'quick' });
