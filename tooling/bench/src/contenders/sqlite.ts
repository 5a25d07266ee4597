import { join } from 'node:path';
import { SqliteTokenStore } from '@tokenkeep/sqlite';
import type { Contender } from '../contender.ts';
import { storeContender } from '../store-contender.ts';

export const sqlite: Contender = storeContender(
  'sqlite',
  (folder) => new SqliteTokenStore({ path: join(folder, 'tokens.db') }),
);
