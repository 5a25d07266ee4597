import type { ViteUserConfig } from 'vitest/config';
import shared from '../../tooling/build/vitest.ts';

/** What tells a mutated check from a right one: stores that are right, and stores that are broken. */
const config: ViteUserConfig = {
  ...shared,
  test: {
    ...shared.test,
    include: ['test/broken-stores.test.ts', 'test/list/conformance.test.ts'],
    reporters: [],
  },
};
export default config;
