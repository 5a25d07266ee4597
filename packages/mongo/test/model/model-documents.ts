import type {
  Documents,
  GateDocument,
  RecordDocument,
  StoreDocument,
} from '../../src/documents.ts';

/** What a database would hold. */
export class ModelDatabase {
  readonly documents: Map<string, StoreDocument> = new Map();
  /** Where a document stands for whoever reads one document after the other. */
  readonly places: Map<string, number> = new Map();
  lastOrder = 0;
  merges = 0;
  #lastPlace = 0;

  /** Puts a document in, if no other has one of its claims. */
  put(document: StoreDocument): boolean {
    for (const other of this.documents.values()) {
      if (other._id === document._id) continue;
      if (other.claims.some((claim) => document.claims.includes(claim))) return false;
    }
    if (!this.places.has(document._id)) {
      this.#lastPlace += 1;
      this.places.set(document._id, this.#lastPlace);
    }
    this.documents.set(document._id, document);
    return true;
  }

  /** The records that count, as one who saw everything at one moment would see them. */
  records(): RecordDocument[] {
    const records = [...this.documents.values()].filter((document) => document.kind === 'record');
    const absorbed = new Set(records.flatMap((document) => document.absorbed ?? []));
    return records.filter((document) => !absorbed.has(document._id));
  }
}

/** How a client reads several documents. */
export type Reading = 'at one moment' | 'first to last' | 'last to first';

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

  async findDurable(keys: readonly string[]): Promise<StoreDocument[]> {
    return this.#readAtOnce((document) => keys.some((key) => document.keys.includes(key)));
  }

  async findOneDurable(key: string): Promise<StoreDocument | null> {
    const found = await this.findDurable([key]);
    return (this.#reading === 'last to first' ? found.at(-1) : found[0]) ?? null;
  }

  async get(_id: string): Promise<StoreDocument | null> {
    await this.#turn();
    return this.#database.documents.get(_id) ?? null;
  }

  async insert(document: StoreDocument): Promise<boolean> {
    await this.#turn();
    return !this.#database.documents.has(document._id) && this.#database.put(document);
  }

  async replace(revision: number, document: StoreDocument): Promise<boolean> {
    await this.#turn();
    const { documents } = this.#database;
    return documents.get(document._id)?.revision === revision && this.#database.put(document);
  }

  async remove(_id: string, revision: number): Promise<boolean> {
    await this.#turn();
    const { documents } = this.#database;
    return documents.get(_id)?.revision === revision && documents.delete(_id);
  }

  async removeAll(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await this.#turn();
      this.#database.documents.delete(id);
    }
  }

  async nextOrder(): Promise<number> {
    await this.#turn();
    this.#database.lastOrder += 1;
    return this.#database.lastOrder;
  }

  async merges(): Promise<number> {
    await this.#turn();
    return this.#database.merges;
  }

  async countMerge(): Promise<void> {
    await this.#turn();
    this.#database.merges += 1;
  }

  async allRecords(): Promise<RecordDocument[]> {
    const read = await this.#readOneByOne((document) => document.kind === 'record');
    return read.filter((document) => document.kind === 'record');
  }

  async lastOrder(): Promise<number> {
    await this.#turn();
    return this.#database.lastOrder;
  }

  async gates(): Promise<GateDocument[]> {
    const read = await this.#readAtOnce((document) => document.kind === 'gate');
    return read.filter((document) => document.kind === 'gate');
  }

  async removeGates(gates: readonly Pick<GateDocument, '_id' | 'revision'>[]): Promise<void> {
    for (const { _id, revision } of gates) await this.remove(_id, revision);
  }

  async removeShells(): Promise<void> {
    await this.#removeOneByOne((document) => document.kind === 'shell');
  }

  async removeFreeRecords(lastOrder: number): Promise<void> {
    await this.#removeOneByOne(
      (document) =>
        document.kind === 'record' &&
        document.order <= lastOrder &&
        document.lock === undefined &&
        document.absorbed === undefined,
    );
  }

  async recordIds(lastOrder: number): Promise<string[]> {
    const read = await this.allRecords();
    return read.filter(({ order }) => order <= lastOrder).map(({ record }) => record.id);
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

  async #removeOneByOne(wanted: (document: StoreDocument) => boolean): Promise<void> {
    for await (const document of this.#oneByOne(wanted)) {
      this.#database.documents.delete(document._id);
    }
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
