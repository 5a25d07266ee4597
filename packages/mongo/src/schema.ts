import { TokenStoreError } from '@tokenkeep/core';
import type { IndexDescription, MongoCollectionLike } from './collection.ts';
import { numberOf } from './errors.ts';

/** The `_id` of the document that says that a collection is a token store, and counts. */
export const STORE_ID = 'tokenkeep';

/** The form of the documents. */
const SCHEMA = 1;

const INDEXES: IndexDescription[] = [
  { key: { claims: 1 }, name: 'tokenkeep_claims', unique: true },
  { key: { keys: 1 }, name: 'tokenkeep_keys' },
];

/** Codes of the server: an index of another form is in the way, or documents that break it. */
const INDEX_CONFLICTS: ReadonlySet<number | undefined> = new Set([67, 85, 86, 166, 11_000]);
const NAMESPACE_NOT_FOUND = 26;

/**
 * Makes a collection a token store, if it is not one. Safe if several do it at once (contract S2):
 * all of it is there already for the later one, or comes to be once.
 *
 * @throws TokenStoreError `SCHEMA_UNKNOWN` where there is something else; it is left as it is
 */
export async function createSchema(collection: MongoCollectionLike): Promise<void> {
  // Looked at first: nothing of ours is in a collection before it has been made a store.
  const other = await collection.findOne({ _id: { $ne: STORE_ID } });
  const store = await collection.findOne({ _id: STORE_ID });
  if (store === null) {
    if (other !== null || (await hasForeignIndex(collection))) throw unknown('has other documents');
  } else if (Reflect.get(store, 'schema') !== SCHEMA) {
    throw unknown('is of another version of tokenkeep');
  }
  try {
    // Every time: without them (a backup may leave them out) nothing would be unique.
    await collection.createIndexes(INDEXES);
  } catch (error) {
    if (INDEX_CONFLICTS.has(numberOf(error))) throw unknown('has other indexes');
    throw error;
  }
  if (store !== null) return;
  try {
    await collection.updateOne(
      { _id: STORE_ID },
      {
        $setOnInsert: {
          kind: 'store',
          schema: SCHEMA,
          keys: [],
          claims: [STORE_ID],
          lastOrder: 0,
          merges: 0,
        },
      },
      { upsert: true },
    );
  } catch (error) {
    // Another process was faster.
    if (numberOf(error) !== 11_000) throw error;
  }
}

async function hasForeignIndex(collection: MongoCollectionLike): Promise<boolean> {
  try {
    const known = new Set<unknown>(['_id_', ...INDEXES.map(({ name }) => name)]);
    return (await collection.indexes()).some((index) => !known.has(Reflect.get(index, 'name')));
  } catch (error) {
    if (numberOf(error) === NAMESPACE_NOT_FOUND) return false;
    throw error;
  }
}

function unknown(problem: string): TokenStoreError {
  return new TokenStoreError(
    'SCHEMA_UNKNOWN',
    `The collection ${problem}, so it can not be used as a token store. Name another one, or upgrade; it was left as it is.`,
  );
}
