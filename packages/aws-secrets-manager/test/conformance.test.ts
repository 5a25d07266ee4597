import { testTokenStore } from '@tokenkeep/conformance/vitest';
import definition from './definition.ts';

testTokenStore(definition, { strict: true });
