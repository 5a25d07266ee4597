import { testTokenStore } from '@tokenkeep/conformance/vitest';
import { mariadb, mysql } from './definition.ts';

testTokenStore(mariadb, { strict: true });
testTokenStore(mysql, { strict: true });
