import type { ViteUserConfig } from 'vitest/config';
import shared from '../../tooling/build/vitest.ts';

/**
 * Most of these tests wait: for a store that is slow, for processes to start and to be killed. Stores
 * that are broken on purpose hurt the process that they are in, some of them later.
 */
const config: ViteUserConfig = {
  ...shared,
  test: { ...shared.test, maxWorkers: 3, isolate: true },
};
export default config;
