import { setTimeout as wait } from 'node:timers/promises';
import type { Commit } from '@tokenkeep/core/adapter/server';
import {
  at,
  type Intent,
  type MongoEntry,
  type StoreDocument,
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
 *    shall be. From that moment the change has happened.
 * 4. What the participants become is carried out, which takes the marks off, then the intent.
 *
 * Whoever finds one of these documents carries a decided intent out, and aborts an open one that
 * makes no headway, by taking it out of the coordinator: then it can't be decided any more.
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
   * @param found all that was read
   * @param claims what the coordinator claims for as long as the intent is open
   */
  async carryOut(
    { absorbs, deletedVersion }: Commit<MongoEntry>,
    before: StoreDocument,
    after: StoreDocument,
    found: readonly StoreDocument[],
    claims: readonly string[],
  ): Promise<Written> {
    const participants = found.filter(({ _id }) => _id !== before._id).map(at);
    const intent: Intent = {
      isDecided: false,
      claims,
      participants,
      absorbs: absorbs.map(({ document }) => document._id),
      shared: after.keys.filter((key) => !after.claims.includes(key)),
    };
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
   * Carries out, or aborts, what is about to change some documents.
   *
   * @returns whether there was something: then they are to be read again
   */
  async settle(found: readonly StoreDocument[]): Promise<boolean> {
    if (!found.some(isUnsettled)) return false;
    const marks = new Set(found.flatMap(({ coordinator }) => coordinator?._id ?? []));
    const others = await this.#documents.get([...marks]);
    for (const document of [...found, ...others]) {
      const { _id, intent } = document;
      if (intent === undefined) continue;
      marks.delete(_id);
      if (intent.isDecided) await this.#documents.finish(document, intent);
      else if (!(await this.#makesHeadway(document))) await this.#abort(document, intent);
    }
    for (const { _id, coordinator } of found) {
      // One that has no intent any more was aborted.
      if (coordinator === undefined || !marks.has(coordinator._id)) continue;
      await this.#documents.release([_id], coordinator);
    }
    return true;
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

/** Whether something is about to change a document. */
export function isUnsettled({ intent, coordinator }: StoreDocument): boolean {
  return (intent ?? coordinator) !== undefined;
}
