/** Something was changed since it was read: nothing was written. */
export const STALE: unique symbol = Symbol('stale');
