import type { ViteUserConfig } from 'vitest/config';
import shared from '../../tooling/build/vitest.ts';

/** Nearly all of the time goes into processes that load a vendor's SDK: one after the other in each file. */
const config: ViteUserConfig = { ...shared, test: { ...shared.test, maxWorkers: 2 } };
export default config;
