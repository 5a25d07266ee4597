import { defineConfig, type ViteUserConfig } from 'vitest/config';

// A program of a page runs the whole kit.
const config: ViteUserConfig = defineConfig({ test: { testTimeout: 120_000 } });

export default config;
