/** Items in one command: what comes besides goes into the next, which is made while the server works. */
const MOST_ITEMS = 22;

/** Characters in one command, roughly: it is sent when they are reached. */
const MOST_CHARACTERS = 100_000;

interface Waiting<Answer> {
  resolve(answer: Answer | PromiseLike<Answer>): void;
  reject(reason: unknown): void;
}

interface Batch<Item, Answer> {
  readonly items: Item[];
  readonly waiting: Waiting<Answer>[];
  size: number;
}

/** Sends what comes in one turn of the event loop by one command, and not each by its own. */
export class Gathering<Item extends readonly string[], Answer> {
  readonly #send: (items: readonly Item[]) => Promise<readonly Answer[]>;
  #next: Batch<Item, Answer> | undefined;

  /** @param send gives an answer for each item */
  constructor(send: (items: readonly Item[]) => Promise<readonly Answer[]>) {
    this.#send = send;
  }

  add(item: Item): Promise<Answer> {
    const batch = this.#next ?? this.#newBatch();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    batch.items.push(item);
    batch.waiting.push({ resolve, reject });
    for (const text of item) batch.size += text.length;
    if (batch.items.length === MOST_ITEMS || batch.size > MOST_CHARACTERS) this.#sendNow(batch);
    return promise;
  }

  #newBatch(): Batch<Item, Answer> {
    const batch: Batch<Item, Answer> = { items: [], waiting: [], size: 0 };
    this.#next = batch;
    process.nextTick(() => {
      if (this.#next === batch) this.#sendNow(batch);
    });
    return batch;
  }

  #sendNow({ items, waiting }: Batch<Item, Answer>): void {
    this.#next = undefined;
    this.#send(items).then(
      (answers) => {
        for (const [index, { resolve, reject }] of waiting.entries()) {
          const answer = answers[index];
          if (answer === undefined) reject(new Error('the reply lacks an answer'));
          else resolve(answer);
        }
      },
      (error) => {
        for (const { reject } of waiting) reject(error);
      },
    );
  }
}
