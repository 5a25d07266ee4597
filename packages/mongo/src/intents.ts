import type {
  DocumentChange,
  Documents,
  HoldingDocument,
  IntentDocument,
  Mark,
  StoreDocument,
} from './documents.ts';

/**
 * Changes several documents as one, with nothing but writes that are atomic for one document: a
 * two-phase commit whose log is an *intent*, a document.
 *
 * 1. The intent is inserted: open. It says what becomes of which document at which revision.
 * 2. Each of the documents is marked with it, if it still has that revision. It has the keys and
 *    claims of both before and after then, so nobody else gets what it is to have.
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

  /**
   * Tries to change all of the documents.
   *
   * @param documents those that the changes are about, as they were read
   * @returns whether it did; `false` if one of them was changed, or one of the claims is taken
   */
  async carryOut(
    changes: readonly DocumentChange[],
    documents: ReadonlyMap<string, HoldingDocument>,
  ): Promise<boolean> {
    const intent: IntentDocument = {
      _id: this.#documents.newId(),
      kind: 'intent',
      revision: 0,
      // Whoever finds one of the documents finds the intent, too.
      keys: [...new Set(changes.flatMap((change) => keysOf(change, documents)))],
      claims: [],
      // In an order, so that of two intents for the same documents one gets them all.
      changes: changes.toSorted((a, b) => (a._id < b._id ? -1 : 1)),
    };
    await this.#documents.insert(intent);
    for (const change of intent.changes) {
      const document = documents.get(change._id);
      if (document === undefined || !(await this.#mark(document, change, intent))) {
        await this.#abort(intent);
        return false;
      }
    }
    const decided: IntentDocument = { ...intent, revision: 1 };
    if ((await this.#documents.replace(0, decided)) !== 'written') {
      await this.#undo(intent._id, await this.#changed(intent));
      return false;
    }
    try {
      await this.#finish(decided);
    } catch {
      // What was asked for has happened, and whoever comes along carries the rest out.
    }
    return true;
  }

  /** Carries out, or aborts, what stands in the way of a write to one of these documents. */
  async settle(found: readonly StoreDocument[]): Promise<void> {
    const intents = new Map(found.filter(isIntent).map((intent) => [intent._id, intent]));
    for (const intent of intents.values()) {
      if (intent.revision === 1) await this.#finish(intent);
      else if (this.#isPatienceOver(intent._id)) await this.#abort(intent);
    }
    for (const document of found.filter(isMarked)) {
      const { intent } = document.mark;
      if (intents.has(intent)) continue;
      // Looked for after the mark was seen: it was removed, and what it is the mark of is undone.
      if ((await this.#documents.get([intent])).length === 0) await this.#undo(intent, [document]);
    }
  }

  async #mark(
    document: HoldingDocument,
    change: DocumentChange,
    intent: IntentDocument,
  ): Promise<boolean> {
    const { keys, claims, revision } = document;
    const after = changed(document, change);
    const marked = {
      ...document,
      revision: revision + 1,
      keys: [...new Set([...keys, ...(after?.keys ?? [])])],
      claims: [...new Set([...claims, ...(after?.claims ?? [])])],
      mark: { intent: intent._id, keys, claims },
    };
    return (await this.#documents.replace(revision, marked)) === 'written';
  }

  async #finish(intent: IntentDocument): Promise<void> {
    const changes = new Map(intent.changes.map((change) => [change._id, change]));
    for (const document of (await this.#changed(intent)).filter(isMarked)) {
      const { _id, revision, mark } = document;
      const change = changes.get(_id);
      if (mark.intent !== intent._id || change === undefined) continue;
      const after = changed(document, change);
      if (after === null) await this.#documents.remove({ _id, revision });
      else await this.#documents.replace(revision, { ...after, _id, revision: revision + 1 });
    }
    await this.#documents.remove(intent);
    this.#firstSeen.delete(intent._id);
  }

  async #abort(intent: IntentDocument): Promise<void> {
    const isAborted = await this.#documents.remove({ _id: intent._id, revision: 0 });
    this.#firstSeen.delete(intent._id);
    if (isAborted) await this.#undo(intent._id, await this.#changed(intent));
  }

  async #undo(intent: string, documents: readonly StoreDocument[]): Promise<void> {
    for (const document of documents.filter(isMarked)) {
      const { mark, ...rest } = document;
      if (mark.intent !== intent) continue;
      const { keys, claims } = mark;
      const revision = document.revision + 1;
      await this.#documents.replace(document.revision, { ...rest, keys, claims, revision });
    }
  }

  #changed({ changes }: IntentDocument): Promise<StoreDocument[]> {
    return this.#documents.get(changes.map(({ _id }) => _id));
  }

  #isPatienceOver(intent: string): boolean {
    const now = performance.now();
    const firstSeen = this.#firstSeen.get(intent) ?? now;
    this.#firstSeen.set(intent, firstSeen);
    return now - firstSeen >= this.#patience;
  }
}

/** What the documents count as that keep keys or are records: decided intents are done, others are not. */
export function resolved(found: readonly StoreDocument[]): HoldingDocument[] {
  const intents = new Map(found.filter(isIntent).map((intent) => [intent._id, intent]));
  return found.flatMap((document) => {
    if (document.kind === 'intent') return [];
    const intent = document.mark && intents.get(document.mark.intent);
    if (intent?.revision !== 1) return [document];
    const change = intent.changes.find(({ _id }) => _id === document._id);
    const after = change === undefined ? document : changed(document, change);
    return after === null ? [] : [{ ...after, revision: document.revision, mark: document.mark }];
  });
}

export function isIntent(document: StoreDocument): document is IntentDocument {
  return document.kind === 'intent';
}

function isMarked(document: StoreDocument): document is HoldingDocument & { mark: Mark } {
  return document.kind !== 'intent' && document.mark !== undefined;
}

/** A document as a change makes it; `null` where it is removed. */
function changed(document: HoldingDocument, change: DocumentChange): HoldingDocument | null {
  if ('to' in change) return change.to;
  const { mark: _, ...rest } = document;
  if (rest.kind === 'keeper') return rest;
  return { ...rest, shared: [...new Set([...rest.shared, ...change.share])] };
}

function keysOf(change: DocumentChange, documents: ReadonlyMap<string, HoldingDocument>): string[] {
  const after = 'to' in change ? (change.to?.keys ?? []) : [];
  return [...(documents.get(change._id)?.keys ?? []), ...after];
}
