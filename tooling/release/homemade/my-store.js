import { StorageTokenStore } from '@tokenkeep/core';

/** Keeps records in a map, by id: a store as someone writes it for a project of theirs. */
export default class MyStore extends StorageTokenStore {
  static versions = true;
  static durable = false;
  static shared = false;

  constructor() {
    super(new RecordMap());
  }
}

class RecordMap {
  #records = new Map();

  open() {}

  find(keys) {
    return this.all().filter((record) => keys.some((key) => record[key.field] === key.value));
  }

  save(keys, decide) {
    const change = decide(this.find(keys));
    if (change === null) return;
    this.#records.set(change.record.id, change.record);
    for (const absorbed of change.absorbs) this.delete(absorbed.id);
  }

  delete(id) {
    this.#records.delete(id);
  }

  all() {
    return [...this.#records.values()];
  }

  clear() {
    this.#records.clear();
  }

  close() {}
}
