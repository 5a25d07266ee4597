import { refuseOtherVersion, StorageTokenStore } from '@tokenkeep/core/adapter';

/** Keeps records in a map, by id: a store as someone writes it for a project of theirs. */
export default class MyStore extends StorageTokenStore {
  static versions = true;
  static durable = false;
  static shared = false;
  static iterable = true;

  constructor() {
    super(new RecordMap());
  }
}

class RecordMap {
  #records = new Map();
  #deletedVersion = 0;

  open() {}

  find(keys) {
    const all = [...this.#records.values()];
    return all.filter((record) => keys.some((key) => record[key.field] === key.value));
  }

  save(keys, decide) {
    const plan = decide(this.find(keys), this.#deletedVersion);
    if (plan.change === undefined) return plan;
    this.#records.set(plan.change.record.id, plan.change.record);
    for (const absorbed of plan.change.absorbs) this.#remove(absorbed);
    return plan;
  }

  delete(id, ifVersion) {
    const record = this.#records.get(id) ?? null;
    refuseOtherVersion(record, { ifVersion });
    if (record !== null) this.#remove(record);
  }

  *pages() {
    yield [...this.#records.values()];
  }

  clear() {
    for (const record of [...this.#records.values()]) this.#remove(record);
  }

  close() {}

  #remove(record) {
    this.#records.delete(record.id);
    this.#deletedVersion = Math.max(this.#deletedVersion, record.version);
  }
}
