import type {
  CollectionReference,
  DocumentSnapshot,
  QueryDocumentSnapshot,
} from '@google-cloud/firestore';
import { STALE } from '@tokenkeep/core/adapter/server';
import type { BoundedCalls } from './bounded-calls.ts';
import { asField, asRead } from './documents.ts';

/** Each takes two writes. */
const PAGE_SIZE = 200;

/** Brings documents of the former version, in any number of processes at once, into today's form. */
export async function migrateAll(
  records: CollectionReference,
  keys: CollectionReference,
  calls: BoundedCalls,
): Promise<void> {
  let query = records.limit(PAGE_SIZE);
  for (;;) {
    const { docs } = await calls.run(() => query.get());
    const last = docs.at(-1);
    if (last === undefined) return;
    const batch = records.firestore.batch();
    for (const doc of docs.filter(isFormer)) {
      const fields = { created: doc.createTime, writeIds: [doc.get('writer')] };
      batch.update(doc.ref, { ...(await recordAsField(doc)), ...fields }, asRead(doc));
      // An id had a key document, too.
      batch.delete(keys.doc(doc.id));
    }
    // Where one of them has changed meanwhile, nothing was written.
    if ((await calls.commit(batch)) !== STALE) query = records.limit(PAGE_SIZE).startAfter(last);
  }
}

/** Whether a record is as the former version stored it: a map, and not listed by `created`. */
export function isFormer(doc: DocumentSnapshot): boolean {
  return doc.get('created') === undefined && doc.get('writer') !== undefined;
}

/**
 * The record as it is kept today: the former version takes what is no map for damaged, and leaves it
 * alone. One that is damaged stays as it is.
 */
async function recordAsField(
  doc: QueryDocumentSnapshot,
): Promise<{ record?: string | Uint8Array }> {
  const record: unknown = doc.get('record');
  if (typeof record !== 'object' || record === null) return {};
  try {
    const extra = 'extra' in record ? { extra: JSON.parse(String(record.extra)) } : {};
    // A client that was handed in may give whole numbers as BigInt, which JSON does not have.
    const text = JSON.stringify({ ...record, ...extra }, (_name, value) =>
      typeof value === 'bigint' ? Number(value) : value,
    );
    return { record: await asField(text) };
  } catch {
    return {};
  }
}
