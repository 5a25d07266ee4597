import { type History, type Next, nextStep, type Variant } from './process.ts';
import { firstWorld, type Move, movesFrom, type Scenario, type World } from './world.ts';

export interface Exploration {
  readonly states: number;
  readonly ends: number;
  /** What was found to be broken, with the moves that led to it; the shortest. */
  readonly violation?: { readonly problem: string; readonly moves: readonly string[] };
}

/** Goes through everything that can happen, and asks of each end whether what was promised was kept. */
export async function explore(
  scenario: Scenario,
  variant: Variant,
  problemOf: (world: World, nexts: readonly Next[], scenario: Scenario) => string | undefined,
): Promise<Exploration> {
  const histories = new Histories(variant);
  const reachedBy = new Map<string, { from: string; name: string } | undefined>();
  const queue: { key: string; world: World }[] = [];
  const reach = (world: World, from?: { from: string; name: string }): void => {
    const key = JSON.stringify(world);
    if (reachedBy.has(key)) return;
    reachedBy.set(key, from);
    queue.push({ key, world });
  };
  const pathTo = (key: string): string[] => {
    const moves: string[] = [];
    for (let by = reachedBy.get(key); by !== undefined; by = reachedBy.get(by.from))
      moves.unshift(by.name);
    return moves;
  };
  let ends = 0;
  reach(firstWorld(scenario));
  // First in, first out: what is found first took the fewest moves.
  for (let first = 0; first < queue.length; first += 1) {
    const { key, world } = queue[first] as { key: string; world: World };
    const nexts: Next[] = [];
    for (const { history } of world.processes) nexts.push(await histories.next(history));
    const moves = movesFrom(world, nexts, scenario);
    const isOver = world.processes.every(({ state }) => state !== 'runs');
    let problem: string | undefined;
    if (isOver) {
      ends += 1;
      problem = problemOf(world, nexts, scenario);
    } else if (moves.length === 0) problem = 'nobody can go on';
    if (problem !== undefined)
      return { states: reachedBy.size, ends, violation: { problem, moves: pathTo(key) } };
    for (const move of moves) reach(after(move, histories), { from: key, name: move.name });
  }
  return { states: reachedBy.size, ends };
}

function after({ world, process, answer }: Move, histories: Histories): World {
  const moved = process === undefined ? undefined : world.processes[process];
  if (process === undefined || moved === undefined || answer === undefined) return world;
  const history = histories.longer(moved.history, answer);
  return { ...world, processes: world.processes.with(process, { ...moved, history }) };
}

/** Histories under numbers, each with what the process does after it. */
class Histories {
  readonly #variant: Variant;
  readonly #histories: History[] = [[]];
  readonly #numbers = new Map<string, number>();
  readonly #nexts = new Map<number, Next>();

  constructor(variant: Variant) {
    this.#variant = variant;
  }

  longer(number: number, answer: unknown): number {
    const key = `${number} ${JSON.stringify(answer)}`;
    let longer = this.#numbers.get(key);
    if (longer === undefined) {
      longer = this.#histories.length;
      this.#histories.push([...this.#of(number), answer]);
      this.#numbers.set(key, longer);
    }
    return longer;
  }

  async next(number: number): Promise<Next> {
    let next = this.#nexts.get(number);
    if (next === undefined) {
      next = await nextStep(this.#of(number), this.#variant);
      this.#nexts.set(number, next);
    }
    return next;
  }

  #of(number: number): History {
    const history = this.#histories[number];
    if (history === undefined) throw new Error(`no history ${number}`);
    return history;
  }
}
