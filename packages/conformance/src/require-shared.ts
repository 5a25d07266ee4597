import type { CheckContext } from './check-context.ts';
import { Untested } from './promise-broken.ts';

/** @throws Untested where only one process uses the storage */
export function requireShared({ definition }: CheckContext): void {
  if (definition.shared === true) return;
  throw new Untested('the store is not declared shared: one process is tested');
}
