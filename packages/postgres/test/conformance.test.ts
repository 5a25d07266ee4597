import { testTokenStore } from '@tokenkeep/conformance/vitest';
import { embedded, pgbouncer, postgres } from './definition.ts';

// Quick: the same checks with fewer rounds. `pnpm --filter @tokenkeep/conformance false-alarms` runs all.
testTokenStore(postgres, { strict: true, intensity: 'quick' });
testTokenStore(embedded, { strict: true, intensity: 'quick' });
testTokenStore(pgbouncer, { strict: true, intensity: 'quick' });
