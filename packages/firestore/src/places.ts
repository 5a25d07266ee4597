/** Keys: some megabytes. */
const ROOM = 20_000;

/**
 * To which document keys led last, by digests alone. Only a hint: what is found there has to tell
 * whether it is still so.
 */
export class Places {
  readonly #documents = new Map<string, string>();

  /** @returns the id of the one document that all these keys led to, if there is one */
  of(digests: readonly string[]): string | undefined {
    const [first, ...rest] = digests.map((digest) => this.#documents.get(digest));
    return rest.every((document) => document === first) ? first : undefined;
  }

  keep(digests: readonly string[], document: string): void {
    for (const digest of digests) {
      this.#documents.delete(digest);
      this.#documents.set(digest, document);
    }
    for (const oldest of this.#documents.keys()) {
      if (this.#documents.size <= ROOM) break;
      this.#documents.delete(oldest);
    }
  }

  forget(digests: readonly string[]): void {
    for (const digest of digests) this.#documents.delete(digest);
  }
}
