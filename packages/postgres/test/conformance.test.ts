import { testTokenStore } from '@tokenkeep/conformance/vitest';
import { embedded, pgbouncer, postgres } from './definition.ts';

testTokenStore(postgres, { strict: true });
testTokenStore(embedded, { strict: true });
testTokenStore(pgbouncer, { strict: true });
