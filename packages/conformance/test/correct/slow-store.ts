import type { StoredRecord, TokenStore } from '@tokenkeep/core';
import { PlainTokenStore } from '../broken/plain-token-store.ts';
import { MemoryShelf } from '../broken/shelf.ts';

/** How long every call takes: milliseconds. */
const DELAY = 5;

/** Records in memory, as far away as those of a server in the next town. */
export class SlowShelf extends MemoryShelf {
  override async read(): Promise<StoredRecord[]> {
    await new Promise((resolve) => setTimeout(resolve, DELAY));
    return super.read();
  }
}

/** A store that takes 5 ms a call, and does one after the other. */
export function slowStore(shelf: SlowShelf): TokenStore {
  return new PlainTokenStore(shelf);
}
