/**
 * Makes `instanceof` true for the instances of other copies of this package, too: an app may hold
 * two versions of it, one of its own and one of an adapter's.
 */
export function brand(of: abstract new (...args: never) => object, name: string): void {
  const mark = Symbol.for(`@tokenkeep/core.${name}`);
  Object.defineProperty(of.prototype, mark, { value: true });
  Object.defineProperty(of, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // A subclass of a user's inherits this, and has to tell its own instances from ours.
      if (this !== of) return isInstance(this, value);
      return typeof value === 'object' && value !== null && mark in value;
    },
  });
}

function isInstance(of: unknown, value: unknown): boolean {
  return Function.prototype[Symbol.hasInstance].call(of as () => void, value);
}
