import { setTimeout as wait } from 'node:timers/promises';
import {
  at,
  type Intent,
  type StoreDocument,
  type TokenDocument,
  union,
  withoutClaims,
} from './documents.ts';
import type { Documents, Written } from './mongo-documents.ts';

/** How often it is looked whether an intent of others makes headway: milliseconds. */
const LOOK_AGAIN = 10;

/**
 * Changes several documents as one, with nothing but writes that are atomic for one document: a
 * two-phase commit, of which the document of the record that is saved is the coordinator, and the
 * others are the participants.
 *
 * 1. The intent is written into the coordinator: open. What the record needs is claimed.
 * 2. The participants are marked with it, each if it still has the revision that was read.
 * 3. Once all are marked the intent is decided, by the write that makes the coordinator what it
 *    shall be. From that moment the change counts as done, for every reader.
 * 4. What the participants become is carried out, which takes the marks off, then the intent.
 *
 * Whoever wants to write to one of these documents carries a decided intent out, and aborts an open
 * one that makes no headway, by taking it out of the coordinator: then it can't be decided any more.
 */
export class Intents {
  readonly #documents: Documents;
  readonly #patience: number;

  /** @param patience how long an intent of others may stay open: milliseconds */
  constructor(documents: Documents, patience: number) {
    this.#documents = documents;
    this.#patience = patience;
  }

  /**
   * @param before the coordinator as it was read, or to be inserted
   * @param after what it becomes
   * @param deletedVersion see `Commit.deletedVersion`
   */
  async carryOut(
    before: StoreDocument,
    after: TokenDocument,
    intent: Intent,
    deletedVersion: number | undefined,
  ): Promise<Written> {
    const { participants, claims } = intent;
    const revision = before.revision + 1;
    const lists = { keys: union(before.keys, claims), claims: union(before.claims, claims) };
    const open = { ...before, ...lists, revision, intent };
    const opened = await this.#documents.write(before, open);
    if (opened !== 'written') return opened;
    const decided = { ...after, revision: revision + 1, intent: { ...intent, isDecided: true } };
    const isReady =
      (await this.#documents.mark(participants, at(open))) === participants.length &&
      // Nobody adds and deletes another record of an id that is claimed.
      (deletedVersion === undefined ||
        deletedVersion === (await this.#documents.counters()).deletedVersion);
    if (!isReady || (await this.#documents.write(open, decided)) !== 'written') {
      await this.#abort(open, intent);
      return 'changed';
    }
    // If that fails: what was asked for has happened, and whoever comes along carries the rest out.
    await this.#documents.finish(decided, intent).catch(() => {});
    return 'written';
  }

  /**
   * Carries out, or aborts, what stands in the way of a write to these documents.
   *
   * @param found with the coordinators, which were read after the documents
   */
  async settle(found: readonly StoreDocument[]): Promise<void> {
    const coordinators = new Set<string>();
    for (const document of found) {
      const { _id, intent } = document;
      if (intent === undefined) continue;
      coordinators.add(_id);
      if (intent.isDecided) await this.#documents.finish(document, intent);
      else if (!(await this.#makesHeadway(document))) await this.#abort(document, intent);
    }
    for (const { _id, coordinator } of found) {
      // One that has no intent any more was aborted.
      if (coordinator === undefined || coordinators.has(coordinator._id)) continue;
      await this.#documents.release([_id], coordinator);
    }
  }

  async #makesHeadway({ _id, revision }: StoreDocument): Promise<boolean> {
    for (const end = performance.now() + this.#patience; performance.now() < end; ) {
      await wait(LOOK_AGAIN);
      const [now] = await this.#documents.get([_id]);
      if (now?.revision !== revision) return true;
    }
    return false;
  }

  async #abort(open: StoreDocument, { claims, participants }: Intent): Promise<void> {
    const { intent: _, ...before } = withoutClaims(open, claims);
    const isAborted =
      open.kind === 'keeper'
        ? (await this.#documents.remove([open])) > 0
        : (await this.#documents.write(open, { ...before, revision: open.revision + 1 })) ===
          'written';
    // Else it was decided, or aborted by others.
    if (!isAborted) return;
    await this.#documents.release(
      participants.map(({ _id }) => _id),
      at(open),
    );
  }
}

/** Whether something else is about to change one of these documents. */
export function isUnsettled(found: readonly StoreDocument[]): boolean {
  return found.some(({ intent, coordinator }) => (intent ?? coordinator) !== undefined);
}

/**
 * The records that count: what is decided is done, and nothing else is.
 *
 * @param coordinators of the documents; they may be among them
 */
export function tokensIn(
  documents: readonly StoreDocument[],
  coordinators: readonly StoreDocument[] = documents,
): TokenDocument[] {
  const decided = coordinators.filter(({ intent }) => intent?.isDecided);
  const absorbed = new Set(decided.flatMap(({ intent }) => intent?.absorbs ?? []));
  return documents.filter((each) => each.kind === 'token').filter(({ _id }) => !absorbed.has(_id));
}
