import { randomUUID } from 'node:crypto';
import { digestedKeysOf, digestsOf } from '@tokenkeep/core/adapter/server';
import type { FoundDocument, MongoCollectionLike } from './collection.ts';
import { recordIn, type StoreDocument } from './documents.ts';
import { isDuplicateKey } from './errors.ts';

/**
 * Brings the documents of the former version up to date: a record had both halves of the claim of a
 * key, a key that several had was locked by a *gate*, and what a record had absorbed was named in it
 * until it was removed.
 *
 * Several processes may do it at once, and it may be broken off: each document is replaced by one
 * write, if it is as it was read. No process saves before it has seen that none is left.
 */
export async function migrateDocuments(collection: MongoCollectionLike): Promise<void> {
  const absorbers = await collection.find({ absorbed: { $exists: true } }).toArray();
  // They count no more, so they must be gone before it is forgotten who absorbed them.
  const absorbed = absorbers.flatMap((document) => document['absorbed']);
  await collection.deleteMany({ _id: { $in: absorbed }, kind: 'record' });
  for (;;) {
    const page = await collection.find({ kind: 'record' }, { limit: 250 }).toArray();
    if (page.length === 0) break;
    const holders = await collection.find({ keys: { $in: page.flatMap(ownKeys) } }).toArray();
    const claimed = new Set(holders.flatMap(({ claims }) => listIn(claims)));
    const held = holders.filter(({ kind }) => kind !== 'gate').flatMap(ownKeys);
    const several = new Set(held.filter((key, index) => held.indexOf(key) < index));
    const replacements = page.map((document) => {
      const { _id, revision } = document;
      const own = ownKeys(document);
      const claims = own.filter((key) => !claimed.has(key));
      const shared = own.filter((key) => several.has(key) || claimed.has(key));
      for (const claim of claims) claimed.add(claim);
      const token = tokenOf(document, { keys: own, claims, shared });
      return collection.replaceOne({ _id, revision, kind: 'record' }, token).catch(otherWasFaster);
    });
    await Promise.all(replacements);
  }
  await collection.deleteMany({ kind: { $in: ['gate', 'shell'] } });
}

/** Another has the claim: the document comes again on the next page. */
function otherWasFaster(error: unknown): void {
  if (!isDuplicateKey(error)) throw error;
}

function tokenOf(
  { _id, revision, order, record, writer }: FoundDocument,
  lists: Pick<StoreDocument, 'keys' | 'claims' | 'shared'>,
): StoreDocument {
  return {
    ...lists,
    _id: String(_id),
    kind: 'token',
    revision: Number(revision) + 1,
    order: Number(order),
    writeIds: [typeof writer === 'string' ? writer : randomUUID()],
    // As it is, also if it is damaged.
    record,
  };
}

function ownKeys({ record, keys }: FoundDocument): string[] {
  const read = recordIn(record);
  return read === undefined ? listIn(keys) : digestsOf(digestedKeysOf(read));
}

function listIn(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
