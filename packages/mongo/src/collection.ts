/**
 * What is needed of a `MongoClient`. Structural, so that a client of another copy or version of the
 * driver will do.
 */
export interface MongoClientLike {
  /** Once more, if it is connected already, does nothing. */
  connect(): Promise<unknown>;
  db(name: string): { collection(name: string, options: object): MongoCollectionLike };
}

/** A document as it was read: nobody else has it. */
export type FoundDocument = Readonly<Record<string, unknown>>;

/** What is needed of a collection. */
export interface MongoCollectionLike {
  find(filter: object, options?: object): { toArray(): Promise<FoundDocument[]> };
  findOne(filter: object): Promise<FoundDocument | null>;
  insertOne(document: object): Promise<unknown>;
  updateOne(filter: object, update: object, options?: object): Promise<unknown>;
  findOneAndUpdate(filter: object, update: object, options: object): Promise<object | null>;
  replaceOne(filter: object, document: object): Promise<{ matchedCount: number }>;
  deleteMany(filter: object): Promise<{ deletedCount: number }>;
  createIndexes(indexes: { key: Record<string, 1>; name: string }[]): Promise<unknown>;
  indexes(): Promise<object[]>;
}
