/** Lets one work at a time run for each key, in the order in which they came. */
export class KeyQueue {
  readonly #last = new Map<string, Turn>();

  /** @param keys what no other work may run for meanwhile */
  async run<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const turn = new Turn();
    const before: Promise<void>[] = [];
    for (const key of keys) {
      const last = this.#last.get(key);
      if (last === turn) continue;
      if (last !== undefined) before.push(last.over());
      this.#last.set(key, turn);
    }
    try {
      if (before.length > 0) await Promise.all(before);
      return await work();
    } finally {
      for (const key of keys) {
        if (this.#last.get(key) === turn) this.#last.delete(key);
      }
      turn.end();
    }
  }
}

/** Most have nobody waiting for them, and make no promise. */
class Turn {
  #over: PromiseWithResolvers<void> | undefined;

  over(): Promise<void> {
    this.#over ??= Promise.withResolvers();
    return this.#over.promise;
  }

  end(): void {
    this.#over?.resolve();
  }
}
