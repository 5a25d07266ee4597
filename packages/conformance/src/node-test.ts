import { describe, it } from 'node:test';
import type { TokenStoreDefinition } from './definition.ts';
import { type TestOptions, testTokenStore as testWith } from './runner.ts';

/**
 * Makes a test of node:test of every check, titled with its clause.
 *
 * @example
 * import { testTokenStore } from '@tokenkeep/conformance/node-test';
 * import definition from './definition.ts';
 *
 * testTokenStore(definition);
 */
export function testTokenStore(definition: TokenStoreDefinition, options?: TestOptions): void {
  const test = (
    name: string,
    run: (...context: unknown[]) => Promise<void>,
    timeout?: number,
  ): void => {
    void it(name, timeout === undefined ? {} : { timeout }, (context) => run(context));
  };
  const skip = (name: string): void => void it(name, { skip: true });
  testWith(definition, { describe, it: Object.assign(test, { skip }) }, options);
}
