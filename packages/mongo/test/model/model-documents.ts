import {
  type At,
  type Intent,
  keeperOf,
  recordIn,
  type StoreDocument,
} from '../../src/documents.ts';
import type { Counters, Counting, Documents, Written } from '../../src/mongo-documents.ts';

/** What a database would hold. */
export class ModelDatabase {
  readonly documents: Map<string, StoreDocument> = new Map();
  /** Where a document stands for whoever reads one document after the other. */
  readonly places: Map<string, number> = new Map();
  counters: Counters = { added: 0, deletedVersion: 0 };
  /** Which write gave a record a version. */
  readonly #writers = new Map<string, string | undefined>();
  readonly #fault: Fault | undefined;
  #lastPlace = 0;

  constructor(fault?: Fault) {
    this.#fault = fault;
  }

  /** Puts a document in, if no other has one of its claims. */
  put(document: StoreDocument): Written {
    // To the unique index, documents without claims would have the same one.
    if (document.claims.length === 0) throw new Error('a document claims nothing');
    for (const other of this.documents.values()) {
      if (other._id === document._id || this.#fault === 'claims') continue;
      if (other.claims.some((claim) => document.claims.includes(claim))) return 'taken';
    }
    const before = this.documents.get(document._id);
    if (this.#fault === 'keepers' && before?.kind === 'token' && document.kind === 'keeper') {
      this.documents.delete(document._id);
      return 'written';
    }
    if (!this.places.has(document._id)) {
      this.#lastPlace += 1;
      this.places.set(document._id, this.#lastPlace);
    }
    this.documents.set(document._id, document);
    if (document.kind === 'token') this.#refuseVersionAgain(document);
    return 'written';
  }

  isAt(_id: string, revision: number): boolean {
    const document = this.documents.get(_id);
    return document?.revision === revision || (this.#fault === 'revisions' && !!document);
  }

  /** What an intent marks, and does not change: see the fault `touching`. */
  isLeftOut(_id: string, coordinator: string): boolean {
    const { intent } = this.documents.get(coordinator) ?? {};
    return this.#fault === 'touching' && !intent?.absorbs.includes(_id);
  }

  /** Throws where a version comes again for an id (contract V1). */
  #refuseVersionAgain(document: StoreDocument): void {
    const { writeIds = [] } = document;
    const record = recordIn(document.record);
    const version = `${record?.id} ${record?.version}`;
    const [writer] = writeIds;
    if ((this.#writers.get(version) ?? writer) !== writer) throw new Error('a version came again');
    this.#writers.set(version, writer);
  }

  /** The records that count: what is decided has happened, also if it is not carried out. */
  tokens(): StoreDocument[] {
    const all = [...this.documents.values()];
    const absorbed = all.flatMap(({ intent }) => (intent?.isDecided ? intent.absorbs : []));
    return all.filter(({ _id, kind }) => kind === 'token' && !absorbed.includes(_id));
  }
}

/** How a client reads several documents. */
export type Reading = 'at one moment' | 'first to last' | 'last to first';

/** What a database, or a protocol, that is broken leaves out: the model has to find each. */
export type Fault =
  /** The unique index on claims. */
  | 'claims'
  /** That a record is written to when another comes to share a key with it. */
  | 'touching'
  /** That a key of a record that goes is kept for the others that have it. */
  | 'keepers'
  /** That a write is refused if the document has another revision. */
  | 'revisions';

const PAGE = 2;

/**
 * One client's connection to a {@link ModelDatabase}. It waits for its turn before each step; each
 * step changes one document at most, and reading several documents is several steps.
 */
export class ModelDocuments implements Documents {
  readonly #database: ModelDatabase;
  readonly #turn: () => Promise<void>;
  readonly #reading: Reading;

  constructor(database: ModelDatabase, turn: () => Promise<void>, reading: Reading) {
    this.#database = database;
    this.#turn = turn;
    this.#reading = reading;
  }

  async find(keys: readonly string[]): Promise<StoreDocument[]> {
    const has = (document: StoreDocument) => keys.some((key) => document.keys.includes(key));
    return this.#reading === 'at one moment' ? this.#readAtOnce(has) : this.#readOneByOne(has);
  }

  async get(ids: readonly string[]): Promise<StoreDocument[]> {
    const has = ({ _id }: StoreDocument) => ids.includes(_id);
    return this.#reading === 'at one moment' ? this.#readAtOnce(has) : this.#readOneByOne(has);
  }

  async page(after: number, upTo: number): Promise<StoreDocument[]> {
    await this.#turn();
    return [...this.#database.documents.values()]
      .filter(({ order }) => order > after && order <= upTo)
      .toSorted((a, b) => a.order - b.order)
      .slice(0, PAGE);
  }

  async counters(change: Counting = { $max: { deletedVersion: 0 } }): Promise<Counters> {
    await this.#turn();
    const { added, deletedVersion } = this.#database.counters;
    this.#database.counters =
      '$inc' in change
        ? { added: added + 1, deletedVersion }
        : { added, deletedVersion: Math.max(deletedVersion, change.$max.deletedVersion) };
    return this.#database.counters;
  }

  async write({ _id, revision }: At, document: StoreDocument): Promise<Written> {
    await this.#turn();
    const isAsRead = revision === 0 || this.#database.isAt(_id, revision);
    return isAsRead ? this.#database.put(document) : 'changed';
  }

  async remove(documents: readonly StoreDocument[]): Promise<number> {
    let removed = 0;
    for (const document of documents) {
      await this.#turn();
      if (!this.#database.isAt(document._id, document.revision)) continue;
      const keeper = keeperOf(document);
      if (keeper === undefined) this.#database.documents.delete(document._id);
      else this.#database.put(keeper);
      removed += 1;
    }
    return removed;
  }

  async mark(documents: readonly At[], coordinator: At): Promise<number> {
    let marked = 0;
    for (const { _id, revision } of documents) {
      await this.#turn();
      if (!this.#database.isAt(_id, revision)) continue;
      marked += 1;
      const document = this.#database.documents.get(_id);
      if (document === undefined || this.#database.isLeftOut(_id, coordinator._id)) continue;
      this.#database.put({ ...document, revision: document.revision + 1, coordinator });
    }
    return marked;
  }

  async release(
    ids: readonly string[],
    coordinator: At,
    shared: readonly string[] = [],
  ): Promise<void> {
    for await (const document of this.#markedBy(coordinator, ids)) {
      const { coordinator: _, ...released } = { ...document, revision: document.revision + 1 };
      this.#database.put({ ...released, shared: [...released.shared, ...shared] });
    }
  }

  async finish({ _id, revision }: At, { participants, absorbs, shared }: Intent): Promise<void> {
    const coordinator = { _id, revision: revision - 1 };
    for await (const document of this.#markedBy(coordinator, absorbs)) {
      const { order, claims } = document;
      this.#database.put({
        _id: document._id,
        kind: 'keeper',
        revision: document.revision + 1,
        order,
        keys: claims,
        claims,
        shared: [],
      });
    }
    await this.release(
      participants.map((each) => each._id),
      coordinator,
      shared,
    );
    await this.#turn();
    const decided = this.#database.documents.get(_id);
    if (decided?.revision !== revision) return;
    const { intent: _, ...done } = decided;
    this.#database.put({ ...done, revision: revision + 1 });
  }

  async *#markedBy({ _id, revision }: At, ids: readonly string[]): AsyncGenerator<StoreDocument> {
    for (const id of ids) {
      await this.#turn();
      const document = this.#database.documents.get(id);
      const { coordinator } = document ?? {};
      if (document === undefined || coordinator?._id !== _id) continue;
      if (coordinator.revision === revision) yield document;
    }
  }

  async #readAtOnce(wanted: (document: StoreDocument) => boolean): Promise<StoreDocument[]> {
    await this.#turn();
    return [...this.#database.documents.values()].filter(wanted);
  }

  async #readOneByOne(wanted: (document: StoreDocument) => boolean): Promise<StoreDocument[]> {
    const read: StoreDocument[] = [];
    for await (const document of this.#oneByOne(wanted)) read.push(document);
    return read;
  }

  async *#oneByOne(wanted: (document: StoreDocument) => boolean): AsyncGenerator<StoreDocument> {
    const direction = this.#reading === 'last to first' ? -1 : 1;
    const placeOf = ({ _id }: StoreDocument) => direction * (this.#database.places.get(_id) ?? 0);
    for (let place = Number.NEGATIVE_INFINITY; ; ) {
      await this.#turn();
      const [next] = [...this.#database.documents.values()]
        .filter((document) => wanted(document) && placeOf(document) > place)
        .toSorted((a, b) => placeOf(a) - placeOf(b));
      if (next === undefined) return;
      yield next;
      place = placeOf(next);
    }
  }
}
