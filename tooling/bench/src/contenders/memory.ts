import { MemoryTokenStore } from '@tokenkeep/memory';
import type { Contender } from '../contender.ts';
import { storeContender } from '../store-contender.ts';

export const memory: Contender = storeContender('memory', () => new MemoryTokenStore());
