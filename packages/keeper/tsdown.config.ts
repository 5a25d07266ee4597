import type { UserConfig } from 'tsdown';
import shared from '../../tooling/build/tsdown.ts';

const config: UserConfig = { ...shared, entry: ['src/index.ts', 'src/refreshers/*.ts'] };
export default config;
