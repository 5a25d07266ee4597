/** A client of a run. */
export interface Client {
  /** What it does. It has to wait for its turn before each step. */
  readonly work: (turn: () => Promise<void>) => Promise<void>;
  /** After so many steps it is gone, as if its process had been killed. */
  readonly stopsAfter?: number | undefined;
}

/** Chooses who goes next: one of `ready`. `last` is who went last, if it is among them. */
export type Choose = (ready: readonly number[], last: number | undefined) => number;

/**
 * Runs clients step by step, one at a time, in the order that `choose` says.
 *
 * @param afterStep is called after each step
 * @returns whether a client was gone before it was done
 */
export async function runInTurns(
  clients: readonly Client[],
  choose: Choose,
  afterStep: () => void,
): Promise<boolean> {
  const waiting = new Map<number, () => void>();
  let stopped = Promise.withResolvers<void>();
  const failures: unknown[] = [];
  let isOneGone = false;
  const start = (index: number, { work, stopsAfter }: Client) => {
    let steps = 0;
    const turn = () =>
      new Promise<void>((resolve) => {
        steps += 1;
        if (stopsAfter === undefined || steps <= stopsAfter) waiting.set(index, resolve);
        else isOneGone = true;
        stopped.resolve();
      });
    work(turn).then(
      () => stopped.resolve(),
      (error) => {
        failures.push(error);
        stopped.resolve();
      },
    );
  };
  for (const [index, client] of clients.entries()) {
    stopped = Promise.withResolvers();
    start(index, client);
    await stopped.promise;
  }
  let last: number | undefined;
  while (waiting.size > 0 && failures.length === 0) {
    const ready = [...waiting.keys()].sort();
    last = choose(ready, last !== undefined && ready.includes(last) ? last : undefined);
    const go = waiting.get(last);
    waiting.delete(last);
    stopped = Promise.withResolvers();
    go?.();
    await stopped.promise;
    afterStep();
  }
  if (failures.length > 0) throw failures[0];
  return isOneGone;
}

/**
 * Runs a scenario in every order of steps in which a client that could go on is put aside for
 * another at most `preemptions` times.
 *
 * @param run makes and runs a fresh scenario in the order given
 * @returns how many orders there were
 */
export async function inEveryOrder(
  preemptions: number,
  run: (choose: Choose) => Promise<void>,
): Promise<number> {
  // What was chosen at each point where there was a choice, and how many choices there were.
  let choices: { chosen: number; of: number }[] = [];
  for (let orders = 1; ; orders += 1) {
    let point = 0;
    let left = preemptions;
    await run((ready, last) => {
      const options =
        last === undefined
          ? ready
          : left > 0
            ? [last, ...ready.filter((each) => each !== last)]
            : [last];
      const choice = choices[point] ?? { chosen: 0, of: options.length };
      choices[point] = choice;
      point += 1;
      const chosen = options[choice.chosen];
      if (chosen === undefined) throw new Error('a run does not repeat itself');
      if (last !== undefined && chosen !== last) left -= 1;
      return chosen;
    });
    choices = choices.slice(0, point);
    while (choices.length > 0) {
      const choice = choices[choices.length - 1];
      if (choice !== undefined && choice.chosen + 1 < choice.of) {
        choice.chosen += 1;
        break;
      }
      choices.pop();
    }
    if (choices.length === 0) return orders;
  }
}

/** Chooses at random, the same for the same seed. Goes on with the same client as often as not. */
export function atRandom(seed: number): Choose {
  const next = randomNumbers(seed);
  return (ready, last) =>
    last !== undefined && next() < 0.5 ? last : (ready[Math.floor(next() * ready.length)] ?? 0);
}

/** Numbers from 0 up to 1, the same for the same seed: Park and Miller's generator. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  const next = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  // The first few follow the seed too closely.
  for (let skipped = 0; skipped < 5; skipped += 1) next();
  return next;
}
