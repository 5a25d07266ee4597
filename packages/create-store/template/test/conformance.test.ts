import { testTokenStore } from '@tokenkeep/conformance/node-test';
import definition from './definition.ts';

testTokenStore(definition);
