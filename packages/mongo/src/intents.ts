import { setTimeout as wait } from 'node:timers/promises';
import type { Commit } from '@tokenkeep/core/adapter/server';
import {
  type At,
  at,
  type Change,
  type Intent,
  type MongoEntry,
  next,
  type StoreDocument,
  union,
  withoutRecord,
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
   * @param claims what the coordinator claims for as long as the intent is open
   * @returns `written` if it has happened
   */
  async carryOut(
    { absorbs, deletedVersion }: Commit<MongoEntry>,
    before: StoreDocument,
    after: StoreDocument,
    participants: readonly StoreDocument[],
    claims: readonly string[],
  ): Promise<Written> {
    const intent: Intent = {
      isDecided: false,
      participants: participants.map(({ _id }) => _id),
      absorbs: absorbs.map(({ document }) => document._id),
    };
    const lists = { keys: union(before.keys, claims), claims: union(before.claims, claims) };
    const open = next(before, { ...lists, intent });
    const opened = await this.#documents.write([before, open]);
    if (opened !== 'written') return opened;
    const shared = after.keys.filter((key) => !after.claims.includes(key));
    const mark = (document: StoreDocument): Change => [
      document,
      next(document, { coordinator: at(open), shared: union(document.shared, shared) }),
    ];
    const isReady =
      (await this.#documents.write(...participants.map(mark))) === 'written' &&
      // Nobody adds and deletes another record of an id that is claimed.
      (deletedVersion === undefined ||
        deletedVersion === (await this.#documents.counters()).deletedVersion);
    const { revision } = open;
    const decided = next({ ...after, revision }, { intent: { ...intent, isDecided: true } });
    if (!isReady || (await this.#documents.write([open, decided])) !== 'written') {
      await this.#abort(open, intent);
      return 'changed';
    }
    // If that fails: what was asked for has happened, and whoever comes along carries the rest out.
    await this.#finish(decided, intent).catch(() => {});
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
      if (intent.isDecided) await this.#finish(document, intent);
      else if (!(await this.#makesHeadway(document))) await this.#abort(document, intent);
    }
    // A coordinator that has no intent any more has aborted it.
    const isLeft = ({ coordinator }: StoreDocument) => coordinator && marks.has(coordinator._id);
    await this.#documents.write(...found.filter(isLeft).map(released));
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

  /** Takes the intent out of the coordinator, so that it can not be decided, and the marks off. */
  async #abort(open: StoreDocument, { participants }: Intent): Promise<void> {
    const before = open.kind === 'keeper' ? undefined : next(open, { intent: undefined });
    // Else it was decided, or aborted by others.
    if ((await this.#documents.write([open, before])) !== 'written') return;
    const marked = await this.#markedWith(open, participants);
    await this.#documents.write(...marked.map(released));
  }

  /** Carries a decided intent out: its coordinator comes last. */
  async #finish(decided: StoreDocument, { participants, absorbs }: Intent): Promise<void> {
    const open = { _id: decided._id, revision: decided.revision - 1 };
    const marked = await this.#markedWith(open, participants);
    const changes = marked.map((document) =>
      absorbs.includes(document._id) ? withoutRecord(document) : released(document),
    );
    await this.#documents.write(...changes, [decided, next(decided, { intent: undefined })]);
  }

  async #markedWith(open: At, participants: readonly string[]): Promise<StoreDocument[]> {
    const found = await this.#documents.get(participants);
    const { _id, revision } = open;
    return found.filter(
      ({ coordinator }) => coordinator?._id === _id && coordinator.revision === revision,
    );
  }
}

/** Takes the mark off a document. */
function released(document: StoreDocument): Change {
  return [document, next(document, { coordinator: undefined })];
}

/** Whether something is about to change a document. */
export function isUnsettled({ intent, coordinator }: StoreDocument): boolean {
  return (intent ?? coordinator) !== undefined;
}
