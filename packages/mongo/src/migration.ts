import { randomUUID } from 'node:crypto';
import { digestedKeysOf } from '@tokenkeep/core/adapter/server';
import type { FoundDocument, MongoCollectionLike } from './collection.ts';
import { recordIn, toMongo } from './document-form.ts';
import type { TokenDocument } from './documents.ts';
import { isDuplicateKey } from './errors.ts';

/** As many documents are read at once. */
const PIECE = 250;

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
    const piece = await collection.find({ kind: 'record' }, { limit: PIECE }).toArray();
    if (piece.length === 0) break;
    const keys = piece.flatMap((document) => ownKeys(document));
    const holders = await collection.find({ keys: { $in: keys } }).toArray();
    const claimed = new Set(holders.flatMap((holder) => listIn(holder['claims'])));
    const count = new Map<string, number>();
    for (const holder of holders) {
      if (holder['kind'] === 'gate') continue;
      for (const key of ownKeys(holder)) count.set(key, (count.get(key) ?? 0) + 1);
    }
    const replacing = piece.map((document) => {
      const own = ownKeys(document);
      const claims = own.filter((key) => !claimed.has(key));
      const shared = own.filter((key) => (count.get(key) ?? 0) > 1 || claimed.has(key));
      for (const claim of claims) claimed.add(claim);
      return replace(collection, document, own, claims, shared);
    });
    await Promise.all(replacing);
  }
  await collection.deleteMany({ kind: { $in: ['gate', 'shell'] } });
}

async function replace(
  collection: MongoCollectionLike,
  { _id, revision, order, record, writer }: FoundDocument,
  keys: readonly string[],
  claims: readonly string[],
  shared: readonly string[],
): Promise<void> {
  const token: TokenDocument = {
    _id: String(_id),
    kind: 'token',
    revision: Number(revision) + 1,
    keys,
    claims,
    shared,
    order: Number(order),
    writeIds: [typeof writer === 'string' ? writer : randomUUID()],
    record: undefined,
  };
  try {
    // The record stays as it is, also if it is damaged.
    await collection.replaceOne({ _id, revision, kind: 'record' }, { ...toMongo(token), record });
  } catch (error) {
    // Another process was faster, and has the claim: the document comes again in the next piece.
    if (!isDuplicateKey(error)) throw error;
  }
}

function ownKeys({ record, keys }: FoundDocument): string[] {
  const read = recordIn(structuredClone(record));
  return read === undefined ? listIn(keys) : digestedKeysOf(read).map(({ digest }) => digest);
}

function listIn(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
