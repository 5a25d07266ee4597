import { defineConfig, type UserConfig } from 'tsdown';

const config: UserConfig = defineConfig({
  entry: ['src/index.ts'],
  platform: 'node',
  target: 'node22.18',
  unbundle: true,
  dts: true,
  fixedExtension: false,
});
export default config;
