import type { StoredRecord } from '@tokenkeep/core';
import { ListTokenStore } from '@tokenkeep/list';
import type { Contender } from '../contender.ts';
import { storeContender } from '../store-contender.ts';

/** Filled from outside: to save a hundred thousand records one by one would take it an hour. */
export const list: Contender = {
  name: 'list',
  setUp(folder, tokens) {
    const records = tokens.map(
      (token, place): StoredRecord => ({ ...token.toRecord(), id: `${place}`, version: 1 }),
    );
    const contender = storeContender(
      'list',
      () => new ListTokenStore({ records }),
      async () => {},
    );
    return contender.setUp(folder, tokens);
  },
};
