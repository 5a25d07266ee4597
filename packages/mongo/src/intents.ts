import type { HoldingDocument, IntentDocument, StoreDocument } from './documents.ts';
import type { Documents } from './mongo-documents.ts';

/**
 * Changes several documents as one, with nothing but writes that are atomic for one document: a
 * two-phase commit whose log is an *intent*, a document.
 *
 * 1. The intent is inserted: open. It says what becomes of which document at which revision.
 * 2. Each of the documents is marked with it, if it still has that revision.
 * 3. Once all are marked the intent is decided, by one write. From that moment each of them counts
 *    as what the intent says, for every reader.
 * 4. The changes are carried out, which takes the marks off, and the intent is removed.
 *
 * Whoever wants to write to a marked document carries a decided intent out, and aborts an open one
 * that makes no headway, by removing it: then it can't be decided any more. A mark whose intent is
 * gone is of one that was aborted.
 */
export class Intents {
  readonly #documents: Documents;
  readonly #patience: number;
  readonly #firstSeen = new Map<string, number>();

  /** @param patience how long an intent of others may stay open: milliseconds */
  constructor(documents: Documents, patience: number) {
    this.#documents = documents;
    this.#patience = patience;
  }

  /** @returns whether all of the documents were changed; `false` if one was not at its revision */
  async carryOut(
    parts: Pick<IntentDocument, 'keys' | 'changes' | 'touches' | 'shared'>,
  ): Promise<boolean> {
    const _id = this.#documents.newId();
    const open: IntentDocument = { ...parts, _id, kind: 'intent', revision: 0, claims: [_id] };
    await this.#documents.insert(open);
    const all = [...open.changes, ...open.touches];
    const decided: IntentDocument = { ...open, revision: 1 };
    if (
      (await this.#documents.mark(all, _id)) < all.length ||
      (await this.#documents.replace(open, decided)) !== 'written'
    ) {
      await this.#abort(open);
      return false;
    }
    try {
      await this.#finish(decided);
    } catch {
      // What was asked for has happened, and whoever comes along carries the rest out.
    }
    return true;
  }

  /**
   * Carries out, or aborts, what stands in the way of a write to these documents.
   *
   * @param found the intents were looked for after the documents
   */
  async settle(found: readonly StoreDocument[]): Promise<void> {
    const intents = intentsIn(found);
    for (const intent of intents.values()) {
      if (intent.revision === 1) await this.#finish(intent);
      else if (this.#isPatienceOver(intent._id)) await this.#abort(intent);
    }
    for (const { _id, intent } of found) {
      if (intent !== undefined && !intents.has(intent)) {
        await this.#documents.release([_id], intent, []);
      }
    }
  }

  async #finish({ _id, changes, touches, shared }: IntentDocument): Promise<void> {
    const ids = touches.map((touched) => touched._id);
    if (ids.length > 0) await this.#documents.release(ids, _id, shared);
    for (const change of changes) {
      // The mark was a revision of its own: nobody else writes to it, and to none after it.
      const marked = { _id: change._id, revision: change.revision + 1 };
      if (change.to === null) await this.#documents.remove([marked]);
      else await this.#documents.replace(marked, { ...change.to, revision: marked.revision + 1 });
    }
    await this.#documents.remove([{ _id, revision: 1 }]);
    this.#firstSeen.delete(_id);
  }

  async #abort({ _id, changes, touches }: IntentDocument): Promise<void> {
    this.#firstSeen.delete(_id);
    await this.#documents.remove([{ _id, revision: 0 }]);
    // By whomever it was removed. Not if it was decided: then it still is there.
    if ((await this.#documents.get([_id])).length > 0) return;
    const ids = [...changes, ...touches].map((changed) => changed._id);
    await this.#documents.release(ids, _id, []);
  }

  #isPatienceOver(intent: string): boolean {
    const now = performance.now();
    const firstSeen = this.#firstSeen.get(intent) ?? now;
    this.#firstSeen.set(intent, firstSeen);
    return now - firstSeen >= this.#patience;
  }
}

/** What the documents count as that are no intents: what is decided is done, and nothing else is. */
export function resolved(found: readonly StoreDocument[]): HoldingDocument[] {
  const intents = intentsIn(found);
  return found.flatMap((document): HoldingDocument | [] => {
    if (document.kind === 'intent') return [];
    const { _id, revision, intent = '' } = document;
    const decided = intents.get(intent);
    if (decided?.revision !== 1) return document;
    const change = decided.changes.find((each) => each._id === _id);
    if (change === undefined) {
      return { ...document, shared: [...document.shared, ...decided.shared] };
    }
    return change.to === null ? [] : { ...change.to, revision, intent };
  });
}

/** Whether something else is about to change one of these documents. */
export function isUnsettled(found: readonly StoreDocument[]): boolean {
  return found.some(({ kind, intent }) => kind === 'intent' || intent !== undefined);
}

function intentsIn(found: readonly StoreDocument[]): Map<string, IntentDocument> {
  const intents = found.filter((document) => document.kind === 'intent');
  return new Map(intents.map((intent) => [intent._id, intent]));
}
