import type { Commit } from '@tokenkeep/core/adapter/server';
import {
  at,
  type Change,
  type MongoEntry,
  next,
  type StoreDocument,
  union,
  withoutRecord,
} from './documents.ts';
import type { Documents, Written } from './mongo-documents.ts';

/**
 * Changes several documents as one, with nothing but writes that are atomic for one document: the
 * document of the record that is saved is the coordinator, the others are the participants.
 *
 * 1. What has to be claimed before more is known is claimed by the coordinator.
 * 2. The participants are marked with the revision that the coordinator has, each if it is as it was
 *    read.
 * 3. The write that makes the coordinator what it shall be decides: it is refused if the coordinator
 *    has another revision. From that moment the change has happened.
 * 4. What the participants become is carried out, which takes the marks off.
 *
 * Whoever finds a mark looks at its coordinator. If that has decided, the change is carried out; if it
 * still has the revision of the mark after some time, it is given another, so that it can't decide any
 * more; and then the mark means nothing, and is taken off.
 */
export class TwoPhaseCommit {
  readonly #documents: Documents;
  readonly #patience: number;

  /** @param patience how often a mark may be found undecided before its change is aborted */
  constructor(documents: Documents, patience: number) {
    this.#documents = documents;
    this.#patience = patience;
  }

  /**
   * @param before the coordinator as it was read, or to be inserted
   * @param after what it becomes
   * @param claims what is claimed first
   * @returns `written` if it has happened
   */
  async carryOut(
    { absorbs, deletedVersion }: Commit<MongoEntry>,
    before: StoreDocument,
    after: StoreDocument,
    participants: readonly StoreDocument[],
    claims: readonly string[],
  ): Promise<Written> {
    const lists = { keys: union(before.keys, claims), claims: union(before.claims, claims) };
    const coordinator = next(before, lists);
    const claimed = await this.#documents.write([before, coordinator]);
    if (claimed !== 'written') return claimed;
    const { revision } = coordinator;
    const shared = after.keys.filter((key) => !after.claims.includes(key));
    const marks = participants.map((document): Change => {
      const isAbsorbed = absorbs.some((entry) => entry.document === document);
      const mark = { ...at(coordinator), isAbsorbed };
      const marked = { coordinator: mark, shared: union(document.shared, shared) };
      return [document, next(document, marked)];
    });
    const ids = participants.map(({ _id }) => _id);
    const decided = next({ ...after, revision }, { participants: ids });
    const isReady =
      (await this.#documents.write(...marks)) === 'written' &&
      // Nobody adds and deletes another record of an id that is claimed.
      (deletedVersion === undefined ||
        deletedVersion === (await this.#documents.counters()).deletedVersion);
    if (!isReady || (await this.#documents.write([coordinator, decided])) !== 'written') {
      await this.#abort(coordinator);
      return 'changed';
    }
    // If that fails: what was asked for has happened, and whoever comes along carries the rest out.
    await this.#finish(decided).catch(() => {});
    return 'written';
  }

  /**
   * Carries out, or aborts, what is about to change some documents.
   *
   * @param seen how often marks were found undecided before, to be given again
   * @returns whether there was something: then they are to be read again
   */
  async settle(found: readonly StoreDocument[], seen: Map<string, number>): Promise<boolean> {
    for (const document of found) {
      if (document.participants !== undefined) await this.#finish(document);
      const { coordinator: mark } = document;
      if (mark === undefined) continue;
      const [now] = await this.#documents.get([mark._id]);
      if (now?.participants !== undefined) await this.#finish(now);
      else if (now?.revision !== mark.revision) await this.#documents.write(released(document));
      else {
        const undecided = `${mark._id} ${mark.revision}`;
        const times = seen.get(undecided) ?? 0;
        seen.set(undecided, times + 1);
        if (times >= this.#patience) await this.#abort(now);
      }
    }
    return found.some(isUnsettled);
  }

  /** Sees to it that a coordinator can't decide. */
  async #abort(coordinator: StoreDocument): Promise<void> {
    const isNew = coordinator.kind === 'keeper';
    await this.#documents.write([coordinator, isNew ? undefined : next(coordinator, {})]);
  }

  /** Carries out what was decided: the coordinator comes last. */
  async #finish(decided: StoreDocument): Promise<void> {
    const { _id, revision, participants = [] } = decided;
    const marked = (await this.#documents.get(participants)).filter(
      ({ coordinator }) => coordinator?._id === _id && coordinator.revision === revision - 1,
    );
    const changes = marked.map((document) =>
      document.coordinator?.isAbsorbed ? withoutRecord(document) : released(document),
    );
    await this.#documents.write(...changes, [decided, next(decided, { participants: undefined })]);
  }
}

/** Takes the mark off a document. */
function released(document: StoreDocument): Change {
  return [document, next(document, { coordinator: undefined })];
}

/** Whether something is about to change a document. */
export function isUnsettled({ participants, coordinator }: StoreDocument): boolean {
  return (participants ?? coordinator) !== undefined;
}
