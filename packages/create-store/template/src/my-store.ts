import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import {
  type Decide,
  type SavePlan,
  StorageTokenStore,
  type TokenKey,
  type TokenStorage,
} from '@tokenkeep/core/adapter';

/**
 * A token store on a storage of your own.
 *
 * What every store does alike comes from StorageTokenStore: it checks what it is given, finds the
 * matching record, merges, counts versions and lets no driver's error out. What is yours is the
 * storage below.
 */
export class MyStore extends StorageTokenStore {
  /** @param place where the records are kept: a path, a URL, a key prefix. No I/O here. */
  constructor(place: string) {
    super(new MyStorage(place));
  }
}

class MyStorage implements TokenStorage {
  readonly #place: string;

  constructor(place: string) {
    this.#place = place;
  }

  // 1. Connect to #place, and create there what is needed. Two processes may do so at once.
  async open(): Promise<void> {
    throw notWritten(`open() of ${this.#place}`);
  }

  // 2. Give every record that has the value of at least one of the keys: record[key.field] ===
  //    key.value, exactly, in one read. An index on each field makes it fast.
  async find(_keys: readonly TokenKey[]): Promise<StoredRecord[]> {
    throw notWritten('find()');
  }

  // 3. As one step, which nothing can come between: read as find() does, call decide() with that,
  //    write what plan.change says, and give the plan back.
  //      no plan.change        write nothing
  //      plan.change.replaces  the record that plan.change.record takes the place of; null: it is new
  //      plan.change.absorbs   records to remove in the same step
  //    A transaction that locks before it reads does it, or a compare-and-set that tries again: then
  //    decide() is called again with what there is now. What decide() throws has to go through.
  //    The second argument of decide() is the highest version of a record that was ever removed: keep
  //    that number, and raise it where a record is removed, so that no version of an id comes again.
  async save(_keys: readonly TokenKey[], _decide: Decide): Promise<SavePlan> {
    throw notWritten('save()');
  }

  // 4. Remove the record with exactly this id, if there is one; refuseOtherVersion(record or null,
  //    { ifVersion }) refuses where it has another version. In one step, as save().
  async delete(_id: string, _ifVersion: number | undefined): Promise<void> {
    throw notWritten('delete()');
  }

  // 5. Give every record, in the order in which they were first saved, some hundred at a time.
  async *pages(): AsyncIterable<StoredRecord[]> {
    yield [];
    throw notWritten('pages()');
  }

  // 6. Remove every record that is there now, and nothing else that lives in the same place.
  async clear(): Promise<void> {
    throw notWritten('clear()');
  }

  // 7. Free what open() opened: nothing may keep the process alive.
  async close(): Promise<void> {}

  // 8. The driver's errors in our terms: a code of ERROR_CODES and the driver's own code, never its
  //    text, which may hold what was being saved.
  translateError(_error: unknown): TokenStoreError | undefined {
    return undefined;
  }
}

function notWritten(what: string): TokenStoreError {
  return new TokenStoreError('STORAGE_FAILED', `${what} is not written yet: see src/my-store.ts`);
}
