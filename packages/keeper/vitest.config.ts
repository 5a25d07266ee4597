import type { ViteUserConfig } from 'vitest/config';
import shared from '../../tooling/build/vitest.ts';

/** Its tests start processes that have to keep time limits: one file after the other. */
const config: ViteUserConfig = { ...shared, test: { ...shared.test, fileParallelism: false } };
export default config;
