import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  ssr: { resolve: { conditions: ['@tokenkeep/source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    // Child processes that tests start run the sources too.
    env: { NODE_OPTIONS: '--conditions=@tokenkeep/source' },
  },
});
export default config;
