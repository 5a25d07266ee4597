import { defineConfig, type UserConfig } from 'tsdown';
import shared from '../../tooling/build/tsdown.ts';

const config: UserConfig = defineConfig({
  ...shared,
  entry: ['src/cli.ts'],
  dts: false,
  attw: false,
});
export default config;
