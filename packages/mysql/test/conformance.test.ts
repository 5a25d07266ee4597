import { testTokenStore } from '@tokenkeep/conformance/vitest';
import { mariadb, mysql } from './definition.ts';

// Quick: the same checks with fewer rounds. `pnpm --filter @tokenkeep/conformance false-alarms` runs all.
testTokenStore(mariadb, { strict: true, intensity: 'quick' });

// What a record means and becomes is decided in core: that was tried above. Here is what MySQL may
// decide otherwise: locks and unique keys, how text is compared, its own type for JSON, the tables,
// pages, and what is left of a transaction whose process was killed.
const BY_THE_SERVER = [
  ...['A', 'V', 'C1', 'C3', 'C5', 'C7', 'C10', 'C11', 'C13', 'C14', 'C15', 'C16'],
  ...['M5', 'T4', 'S2', 'I2', 'D3'],
];
testTokenStore(mysql, { strict: true, intensity: 'quick', clauses: BY_THE_SERVER });
