import type { TokenStore } from '@tokenkeep/core';
import type { TokenStoreDefinition } from './definition.ts';
import { firstLine, placeOf } from './failure-cause.ts';
import { paceOf } from './pace.ts';
import type { Pace } from './settings.ts';

/** The store could not be checked at all: its place can't be made or opened. */
export class CannotRun extends Error {
  override readonly name: string = 'CannotRun';
}

const METHODS = [
  'findToken',
  'findTokenById',
  'saveToken',
  'deleteToken',
  'getTokens',
  'deleteTokens',
  'close',
] as const;

/**
 * Makes a place, opens and closes it, and measures how slow it is.
 *
 * @throws CannotRun if that does not work
 */
export async function tryOut(definition: TokenStoreDefinition): Promise<Pace> {
  const place = await step('location()', () => definition.location());
  if (place === undefined) {
    throw new CannotRun(
      'location() of the definition gave nothing: it has to give a value that JSON can hold, such as a path',
    );
  }
  try {
    const store: unknown = await step('open()', () => definition.open(place));
    requireStore(store);
    const pace = await paceOf(definition, store);
    await step('close() of the store that open()', () => store.close());
    return pace;
  } finally {
    await step('destroy()', () => definition.destroy?.(place));
  }
}

async function step<T>(what: string, work: () => T | PromiseLike<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const where = placeOf(error);
    throw new CannotRun(
      `${what} of the definition failed: ${firstLine(error)}${where === undefined ? '' : ` (${where})`}`,
      { cause: error },
    );
  }
}

function requireStore(store: unknown): asserts store is TokenStore {
  if (typeof store !== 'object' || store === null) {
    throw new CannotRun('open() of the definition did not give a store');
  }
  const missing = METHODS.filter((method) => typeof Reflect.get(store, method) !== 'function');
  if (missing.length === 0) return;
  // The stores of the vendor's SDK have the six methods and no end.
  const isVendors = missing.join() === 'close';
  const hint = isVendors
    ? '. If it is one of the Zoho SDK, make one of ours of it: tokenStoreFromZoho(store, sdk) of @tokenkeep/zoho, and name the fields that it keeps: `fields: [...]` in the definition'
    : '';
  throw new CannotRun(
    `the store has no ${missing.join(', ')}: it needs the six methods and close()${hint}`,
  );
}
