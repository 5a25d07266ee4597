import { defineConfig, type UserConfig } from 'tsdown';
import shared from '../../tooling/build/tsdown.ts';

const config: UserConfig = defineConfig({
  ...shared,
  entry: ['index', 'vitest', 'node-test', 'runner', 'worker', 'checking-process', 'cli'].map(
    (name) => `src/${name}.ts`,
  ),
});
export default config;
