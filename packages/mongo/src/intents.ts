import type { Commit } from '@tokenkeep/core/adapter/server';
import {
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

  /** @param patience how often an intent of others may be found open before it is aborted */
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
      await this.#abort(open);
      return 'changed';
    }
    // If that fails: what was asked for has happened, and whoever comes along carries the rest out.
    await this.#finish(decided, intent).catch(() => {});
    return 'written';
  }

  /**
   * Carries out, or aborts, what is about to change some documents.
   *
   * @param seen how often open intents were found before, to be given again
   * @returns whether there was something: then they are to be read again
   */
  async settle(found: readonly StoreDocument[], seen: Map<string, number>): Promise<boolean> {
    if (!found.some(isUnsettled)) return false;
    const ids = new Set(found.flatMap(({ coordinator }) => coordinator?._id ?? []));
    // One that was read before its mark was, may have opened its intent since.
    const unread = found.filter(({ _id }) => !ids.has(_id));
    const coordinators = [...unread, ...(await this.#documents.get([...ids]))].filter(
      ({ intent }) => intent !== undefined,
    );
    for (const document of coordinators) {
      const open = `${document._id} ${document.revision}`;
      const times = seen.get(open) ?? 0;
      seen.set(open, times + 1);
      if (document.intent?.isDecided) await this.#finish(document, document.intent);
      else if (times >= this.#patience) await this.#abort(document);
    }
    // A coordinator that has no intent any more has aborted it.
    const isLeft = ({ coordinator }: StoreDocument) =>
      coordinator && coordinators.every(({ _id }) => _id !== coordinator._id);
    await this.#documents.write(...found.filter(isLeft).map(released));
    return true;
  }

  /** Takes the intent out of the coordinator: so it can not be decided, and its marks mean nothing. */
  async #abort(open: StoreDocument): Promise<void> {
    const isNew = open.kind === 'keeper';
    await this.#documents.write([open, isNew ? undefined : next(open, { intent: undefined })]);
  }

  /** Carries a decided intent out: its coordinator comes last. */
  async #finish(decided: StoreDocument, { participants, absorbs }: Intent): Promise<void> {
    const { _id, revision } = decided;
    const marked = (await this.#documents.get(participants)).filter(
      ({ coordinator }) => coordinator?._id === _id && coordinator.revision === revision - 1,
    );
    const changes = marked.map((document) =>
      absorbs.includes(document._id) ? withoutRecord(document) : released(document),
    );
    await this.#documents.write(...changes, [decided, next(decided, { intent: undefined })]);
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
