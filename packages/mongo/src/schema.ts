import { TokenStoreError } from '@tokenkeep/core';
import type { IndexDescription, MongoCollectionLike } from './collection.ts';
import { isDuplicateKey, numberOf } from './errors.ts';
import { migrateDocuments } from './migration.ts';

/** The `_id` of the document that says that a collection is a token store, and counts. */
export const STORE_ID = 'tokenkeep';

/** The form of the documents. */
const SCHEMA = 2;

const INDEXES: IndexDescription[] = [
  { key: { claims: 1 }, name: 'tokenkeep_claims', unique: true },
  { key: { keys: 1 }, name: 'tokenkeep_keys' },
  { key: { order: 1 }, name: 'tokenkeep_order', sparse: true },
];

/** Codes of the server: an index of another form is in the way, or documents that break it. */
const INDEX_CONFLICTS: ReadonlySet<number | undefined> = new Set([67, 85, 86, 166, 11_000]);
const NAMESPACE_NOT_FOUND = 26;

/**
 * Makes a collection a token store, if it is not one, and brings one of the former version up to
 * date. Safe if several do it at once (contract S2): all of it is there already for the later one, or
 * comes to be once.
 *
 * @throws TokenStoreError `SCHEMA_UNKNOWN` where there is something else; it is left as it is
 */
export async function createSchema(collection: MongoCollectionLike): Promise<void> {
  // Looked at first: nothing of ours is in a collection before it has been made a store.
  const other = await collection.findOne({ _id: { $ne: STORE_ID } });
  const store = await collection.findOne({ _id: STORE_ID });
  if (store === null) {
    if (other !== null || (await hasForeignIndex(collection))) throw unknown('has other documents');
  } else if (store['schema'] !== SCHEMA && store['schema'] !== 1) {
    throw unknown('is of another version of tokenkeep');
  }
  try {
    // Every time: without them (a backup may leave them out) nothing would be unique.
    await collection.createIndexes(INDEXES);
  } catch (error) {
    if (INDEX_CONFLICTS.has(numberOf(error))) throw unknown('has other indexes');
    throw error;
  }
  if (store === null) await addStore(collection);
  else if (store['schema'] === 1) await beginMigration(collection, store['lastOrder']);
  // Asked again: another process may have begun a migration meanwhile, and be gone.
  const isMigrating = { _id: STORE_ID, migrating: true };
  if ((await collection.findOne(isMigrating)) === null) return;
  await migrateDocuments(collection);
  await collection.updateOne(isMigrating, { $unset: { migrating: 1 } });
}

async function addStore(collection: MongoCollectionLike): Promise<void> {
  const lists = { keys: [], claims: [STORE_ID] };
  const store = { kind: 'store', schema: SCHEMA, ...lists, added: 0, deletedVersion: 0 };
  try {
    await collection.updateOne({ _id: STORE_ID }, { $setOnInsert: store }, { upsert: true });
  } catch (error) {
    // Another process was faster.
    if (!isDuplicateKey(error)) throw error;
  }
}

/** From here on the former version refuses the collection, and one that is open adds no record. */
async function beginMigration(collection: MongoCollectionLike, lastOrder: unknown): Promise<void> {
  const counters = { added: lastOrder, deletedVersion: 0, lastOrder: null };
  await collection.updateOne(
    // Nobody has been given another number since.
    { _id: STORE_ID, schema: 1, lastOrder },
    { $set: { schema: SCHEMA, migrating: true, ...counters }, $unset: { merges: 1 } },
  );
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
