import { recordIn } from '../../src/document-form.ts';
import type {
  At,
  Counters,
  HoldingDocument,
  StoreDocument,
  TokenDocument,
} from '../../src/documents.ts';
import { resolved } from '../../src/intents.ts';
import type { Documents, Written } from '../../src/mongo-documents.ts';

/** What a database would hold. */
export class ModelDatabase {
  readonly documents: Map<string, StoreDocument> = new Map();
  /** Where a document stands for whoever reads one document after the other. */
  readonly places: Map<string, number> = new Map();
  counters: Counters = { order: 0, deletedVersion: 0 };
  /** The same in every run, so that a run can be repeated step by step. */
  lastId = 0;
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

  /** What an intent writes to, and does not change: see the fault `touching`. */
  isLeftOut(_id: string, intent: string): boolean {
    const written = this.documents.get(intent);
    const isTouched =
      written?.kind === 'intent' && written.touches.some((each) => each._id === _id);
    return this.#fault === 'touching' && isTouched;
  }

  /** Throws where a version comes again for an id (contract V1). */
  #refuseVersionAgain(document: TokenDocument): void {
    const { writeIds } = document;
    const record = recordIn(document.record);
    const version = `${record?.id} ${record?.version}`;
    const [writer] = writeIds;
    if ((this.#writers.get(version) ?? writer) !== writer) throw new Error('a version came again');
    this.#writers.set(version, writer);
  }

  /** The documents that count, as one who saw everything at one moment would see them. */
  resolved(): HoldingDocument[] {
    return resolved([...this.documents.values()]);
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

  newId(): string {
    this.#database.lastId += 1;
    return String(this.#database.lastId).padStart(6, '0');
  }

  async find(keys: readonly string[]): Promise<StoreDocument[]> {
    const has = (document: StoreDocument) => keys.some((key) => document.keys.includes(key));
    return this.#reading === 'at one moment' ? this.#readAtOnce(has) : this.#readOneByOne(has);
  }

  async findOne(key: string): Promise<StoreDocument | null> {
    const found = await this.#readAtOnce((document) => document.keys.includes(key));
    return (this.#reading === 'last to first' ? found.at(-1) : found[0]) ?? null;
  }

  async get(ids: readonly string[]): Promise<StoreDocument[]> {
    const has = ({ _id }: StoreDocument) => ids.includes(_id);
    return this.#reading === 'at one moment' ? this.#readAtOnce(has) : this.#readOneByOne(has);
  }

  async page(after: number, upTo: number): Promise<TokenDocument[]> {
    await this.#turn();
    return [...this.#database.documents.values()]
      .filter((document) => document.kind === 'token')
      .filter(({ order }) => order > after && order <= upTo)
      .toSorted((a, b) => a.order - b.order)
      .slice(0, PAGE);
  }

  async others(after: string): Promise<StoreDocument[]> {
    await this.#turn();
    return [...this.#database.documents.values()]
      .filter(({ kind, _id }) => kind !== 'token' && _id > after)
      .toSorted((a, b) => (a._id < b._id ? -1 : 1))
      .slice(0, PAGE);
  }

  async counters(): Promise<Counters> {
    await this.#turn();
    return this.#database.counters;
  }

  async insert(document: StoreDocument): Promise<Written> {
    await this.#turn();
    return this.#database.documents.has(document._id) ? 'taken' : this.#database.put(document);
  }

  async replace({ _id, revision }: At, document: StoreDocument): Promise<Written> {
    await this.#turn();
    const isAsRead = this.#database.isAt(_id, revision);
    return isAsRead ? this.#database.put(document) : 'changed';
  }

  async remove(documents: readonly At[]): Promise<number> {
    let removed = 0;
    for (const { _id, revision } of documents) {
      await this.#turn();
      if (!this.#database.isAt(_id, revision)) continue;
      this.#database.documents.delete(_id);
      removed += 1;
    }
    return removed;
  }

  async mark(documents: readonly At[], intent: string): Promise<number> {
    let marked = 0;
    for (const { _id, revision } of documents) {
      await this.#turn();
      if (!this.#database.isAt(_id, revision)) continue;
      marked += 1;
      const document = this.#database.documents.get(_id);
      if (document === undefined || this.#database.isLeftOut(_id, intent)) continue;
      this.#database.put({ ...document, revision: revision + 1, intent });
    }
    return marked;
  }

  async release(ids: readonly string[], intent: string, shared: readonly string[]): Promise<void> {
    for (const _id of ids) {
      await this.#turn();
      const document = this.#database.documents.get(_id);
      if (document?.intent !== intent) continue;
      const { intent: _, ...released } = { ...document, revision: document.revision + 1 };
      this.#database.put({ ...released, shared: [...released.shared, ...shared] });
    }
  }

  async nextOrder(): Promise<Counters> {
    await this.#turn();
    const { counters } = this.#database;
    this.#database.counters = { ...counters, order: counters.order + 1 };
    return this.#database.counters;
  }

  async raiseDeletedVersion(version: number): Promise<void> {
    await this.#turn();
    const { counters } = this.#database;
    const deletedVersion = Math.max(counters.deletedVersion, version);
    this.#database.counters = { ...counters, deletedVersion };
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
