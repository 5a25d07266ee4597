import { testTokenStore } from '@tokenkeep/conformance/vitest';
import { embedded, pgbouncer, postgres } from './definition.ts';

// Quick: the same checks with fewer rounds. `pnpm --filter @tokenkeep/conformance false-alarms` runs all.
testTokenStore(postgres, { strict: true, intensity: 'quick' });

// What a record means and becomes is decided in core: that was tried above. Here is what the server
// decides: locks and unique keys, how text is compared, the tables, pages.
const BY_THE_SERVER = ['A', 'V', 'C5', 'C7', 'C10', 'C11', 'C13', 'C14', 'C16', 'T4', 'S2', 'I2'];
testTokenStore(embedded, { strict: true, intensity: 'quick', clauses: BY_THE_SERVER });

// And what another session for each transaction can break: reading what was just written, closing,
// iterating, and a process that is killed.
const BY_SESSIONS = ['A', 'V3', 'C11', 'C13', 'C14', 'C17', 'S2', 'I', 'D2', 'D3'];
testTokenStore(pgbouncer, { strict: true, intensity: 'quick', clauses: BY_SESSIONS });
