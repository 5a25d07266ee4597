import { defineConfig, type UserConfig } from 'tsdown';

/** How every package is built: each module of `src` as one of `dist`, with its declarations. */
const config: UserConfig = defineConfig({
  entry: ['src/index.ts'],
  platform: 'node',
  target: 'node22.18',
  unbundle: true,
  dts: true,
  // No source maps: the sources that they would point at are not published.
  sourcemap: false,
  fixedExtension: false,
  logLevel: 'warn',
  failOnWarn: true,
  publint: { strict: true },
  attw: { profile: 'esm-only', level: 'error' },
});
export default config;
