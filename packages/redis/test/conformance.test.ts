import { testTokenStore } from '@tokenkeep/conformance/vitest';
import { cluster, single } from './definition.ts';

testTokenStore(single, { strict: true });
testTokenStore(cluster, { strict: true });
