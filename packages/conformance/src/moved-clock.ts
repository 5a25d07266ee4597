/** Runs work while `Date` says another time: how much later, or earlier, in milliseconds. */
export async function atAnotherTime<T>(offset: number, work: () => Promise<T>): Promise<T> {
  const Real = globalThis.Date;
  const now = (): number => Real.now() + offset;
  globalThis.Date = new Proxy(Real, {
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
    apply: () => new Real(now()).toString(),
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  });
  try {
    return await work();
  } finally {
    globalThis.Date = Real;
  }
}
