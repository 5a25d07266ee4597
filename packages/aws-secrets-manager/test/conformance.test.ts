import { testTokenStore } from '@tokenkeep/conformance/vitest';
import definition from './definition.ts';

// Quick: each save writes all records, so that thousands of them take what no user of this store has.
testTokenStore(definition, { strict: true, intensity: 'quick' });
