import { describe, it } from 'vitest';
import type { TokenStoreDefinition } from './definition.ts';
import { type TestOptions, testTokenStore as testWith } from './runner.ts';

/**
 * Makes a vitest test of every check, titled with its clause.
 *
 * @example
 * import { testTokenStore } from '@tokenkeep/conformance/vitest';
 * import definition from './definition.ts';
 *
 * testTokenStore(definition);
 */
export function testTokenStore(definition: TokenStoreDefinition, options?: TestOptions): void {
  testWith(definition, { describe, it }, options);
}
