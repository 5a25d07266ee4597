import { mergeConfig, type ViteUserConfig } from 'vitest/config';
import shared from '../../tooling/build/vitest.ts';

const config: ViteUserConfig = mergeConfig(shared, {
  test: { globalSetup: 'test/one-server.ts' },
});
export default config;
