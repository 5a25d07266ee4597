import type { ViteUserConfig } from 'vitest/config';
import shared from '../../tooling/build/vitest.ts';

/**
 * Its tests start processes that have to keep time limits: one file after the other. The scenarios
 * of one store wait for most of the time, and do so together.
 */
const config: ViteUserConfig = {
  ...shared,
  test: { ...shared.test, fileParallelism: false, maxConcurrency: 12 },
};
export default config;
