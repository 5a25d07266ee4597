import { TokenStoreError } from '@tokenkeep/core';
import type { MongoCollectionLike } from './collection.ts';
import { numberOf } from './errors.ts';
import { migrateDocuments } from './migration.ts';

/** The `_id` of the document that says that a collection is a token store, and counts. */
export const STORE_ID = 'tokenkeep';

/** The form of the documents. */
const SCHEMA = 2;

const INDEXES: { key: Record<string, 1>; name: string; unique?: boolean; sparse?: boolean }[] = [
  { key: { claims: 1 }, name: 'tokenkeep_claims', unique: true },
  { key: { keys: 1 }, name: 'tokenkeep_keys' },
  { key: { order: 1 }, name: 'tokenkeep_order', sparse: true },
];

const NEW_STORE = {
  kind: 'store',
  schema: SCHEMA,
  keys: [],
  claims: [STORE_ID],
  added: 0,
  deletedVersion: 0,
};

/** Codes of the server: an index of another form is in the way, or documents that break it. */
const INDEX_CONFLICTS = [67, 85, 86, 166, 11_000];
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
  const { schema } = store ?? { schema: SCHEMA };
  if (schema !== SCHEMA && schema !== 1) {
    throw unknown(
      'is a token store of another version',
      'Use the version of @tokenkeep/mongo that it was made with',
    );
  }
  if (store === null && (other !== null || (await hasForeignIndex(collection)))) throw foreign();
  try {
    // Every time: without them (a backup may leave them out) nothing would be unique.
    await collection.createIndexes(INDEXES);
  } catch (error) {
    if (INDEX_CONFLICTS.includes(numberOf(error))) throw foreign();
    throw error;
  }
  // If it is not there by now.
  const isNew = { $setOnInsert: NEW_STORE };
  if (store === null) await collection.updateOne({ _id: STORE_ID }, isNew, { upsert: true });
  // From here on the former version refuses the collection, and one that is open adds no record.
  const counters = { added: '$lastOrder', deletedVersion: 0, lastOrder: null };
  await collection.updateOne({ _id: STORE_ID, schema: 1 }, [
    { $set: { schema: SCHEMA, migrating: true, ...counters } },
    { $unset: 'merges' },
  ]);
  // Another process may have begun a migration, and be gone.
  const isMigrating = { _id: STORE_ID, migrating: true };
  if ((await collection.findOne(isMigrating)) === null) return;
  await migrateDocuments(collection);
  await collection.updateOne(isMigrating, { $unset: { migrating: 1 } });
}

async function hasForeignIndex(collection: MongoCollectionLike): Promise<boolean> {
  const known = new Set<unknown>(['_id_', ...INDEXES.map(({ name }) => name)]);
  const indexes = await collection.indexes().catch((error: unknown) => {
    if (numberOf(error) === NAMESPACE_NOT_FOUND) return [];
    throw error;
  });
  return indexes.some((index) => !known.has(Reflect.get(index, 'name')));
}

function foreign(): TokenStoreError {
  return unknown('has documents or indexes of something else', 'Name another collection');
}

function unknown(problem: string, advice: string): TokenStoreError {
  return new TokenStoreError(
    'SCHEMA_UNKNOWN',
    `The collection ${problem}, so it can not be used. ${advice}; it was left as it is.`,
  );
}
