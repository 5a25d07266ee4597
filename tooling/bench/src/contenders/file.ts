import { join } from 'node:path';
import { FileTokenStore } from '@tokenkeep/file';
import type { Contender } from '../contender.ts';
import { saveAllAtOnce, storeContender } from '../store-contender.ts';

export const file: Contender = storeContender(
  'file',
  (folder) => new FileTokenStore({ path: join(folder, 'tokens.json') }),
  saveAllAtOnce,
);
