import type { UserConfig } from 'tsdown';
import shared from '../../tooling/build/tsdown.ts';

const config: UserConfig = {
  ...shared,
  entry: [
    'src/index.ts',
    'src/adapter/index.ts',
    'src/adapter/file/index.ts',
    'src/adapter/server/index.ts',
    'src/rules/index.ts',
  ],
};
export default config;
