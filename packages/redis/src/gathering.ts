/** Fields in one question: what is asked for besides goes into the next. */
const MOST_FIELDS = 256;

interface Question<T> {
  readonly fields: Set<string>;
  readonly answer: Promise<T>;
}

/** Asks for what is wanted in one turn of the event loop by one command, and not by one for each. */
export class Gathering<T> {
  readonly #askFor: (fields: readonly string[]) => Promise<T>;
  #next: Question<T> | undefined;

  constructor(askFor: (fields: readonly string[]) => Promise<T>) {
    this.#askFor = askFor;
  }

  /** @returns the answer to a question in which these fields are, and perhaps others */
  ask(fields: readonly string[]): Promise<T> {
    if (this.#next === undefined || this.#next.fields.size + fields.length > MOST_FIELDS) {
      this.#next = this.#newQuestion();
    }
    const { fields: all, answer } = this.#next;
    for (const field of fields) all.add(field);
    return answer;
  }

  #newQuestion(): Question<T> {
    const fields = new Set<string>();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const question: Question<T> = { fields, answer: promise };
    process.nextTick(() => {
      if (this.#next === question) this.#next = undefined;
      this.#askFor([...fields]).then(resolve, reject);
    });
    return question;
  }
}
