import { memoryUsage } from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/** How much memory is held by what is still in use: bytes; `undefined` where that can't be told. */
export function heldMemory(): number | undefined {
  collect ??= garbageCollector();
  if (collect === undefined) return undefined;
  // What has a finalizer, such as a buffer, goes with the second one.
  for (let time = 0; time < 2; time += 1) collect();
  const { heapUsed, external } = memoryUsage();
  return heapUsed + external;
}

/** That of V8, which is there when it is asked for: not in every runtime. */
function garbageCollector(): (() => void) | undefined {
  try {
    setFlagsFromString('--expose-gc');
    const found: unknown = runInNewContext('gc');
    return typeof found === 'function' ? () => void Reflect.apply(found, undefined, []) : undefined;
  } catch {
    return undefined;
  }
}
