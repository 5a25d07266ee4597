import { type Change, recordIn, type StoreDocument } from '../../src/documents.ts';
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

  /** One write, which is atomic. */
  write([before, after]: Change): Written {
    const { _id, revision } = before;
    if (revision > 0 && !this.#isAt(before)) return 'changed';
    if (after === undefined) {
      this.documents.delete(_id);
      return 'written';
    }
    // To the unique index, documents without claims would have the same one.
    if (after.claims.length === 0) throw new Error('a document claims nothing');
    for (const other of this.documents.values()) {
      if (other._id === _id || this.#fault === 'claims') continue;
      if (other.claims.some((claim) => after.claims.includes(claim))) return 'taken';
    }
    if (this.#fault === 'keepers' && before.kind === 'token' && after.kind === 'keeper') {
      this.documents.delete(_id);
      return 'written';
    }
    if (this.#fault === 'touching' && after.coordinator?.isAbsorbed === false) return 'written';
    if (!this.places.has(_id)) {
      this.#lastPlace += 1;
      this.places.set(_id, this.#lastPlace);
    }
    this.documents.set(_id, after);
    if (after.kind === 'token') this.#refuseVersionAgain(after);
    return 'written';
  }

  #isAt({ _id, revision }: StoreDocument): boolean {
    const document = this.documents.get(_id);
    return document?.revision === revision || (this.#fault === 'revisions' && !!document);
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
    const deciding = new Map(all.map((each) => [each._id, each]));
    const isGone = ({ _id, coordinator }: StoreDocument) =>
      coordinator?.isAbsorbed && deciding.get(coordinator._id)?.participants?.includes(_id);
    return all.filter((document) => document.kind === 'token' && !isGone(document));
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

  async write(...changes: readonly Change[]): Promise<Written> {
    let written: Written = 'written';
    for (const change of changes) {
      await this.#turn();
      const done = this.#database.write(change);
      if (done !== 'written') written = done;
    }
    return written;
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
