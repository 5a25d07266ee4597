import { testTokenStore } from '@tokenkeep/conformance/vitest';
import { cluster, single } from './definition.ts';

// Quick: the same checks with fewer rounds. `pnpm --filter @tokenkeep/conformance false-alarms` runs all.
testTokenStore(single, { strict: true, intensity: 'quick' });

// What a record means and becomes is decided in core and in the scripts: that was tried above. Here is
// what several nodes may decide otherwise: where a key is, connections, pages, what is left after a kill.
const BY_THE_CLUSTER = [
  ...['A', 'V', 'S', 'D', 'I'],
  ...['C1', 'C3', 'C5', 'C7', 'C10', 'C11', 'C13', 'C14', 'C15', 'C16', 'C17'],
];
testTokenStore(cluster, { strict: true, intensity: 'quick', clauses: BY_THE_CLUSTER });
