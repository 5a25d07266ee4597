import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { StoredRecord } from '@tokenkeep/core';
import type { TokenStoreDefinition } from '../../src/index.ts';
import { type BrokenStore, brokenFile } from './broken-store.ts';
import { FileShelf, MemoryShelf, type Shelf, TABLE } from './shelf.ts';

/** Keeps the records of this process, and lets `write` decide when they get to the file. */
class CachedShelf extends MemoryShelf {
  readonly #file: FileShelf;
  readonly #write: (file: FileShelf, records: StoredRecord[], before: StoredRecord[]) => void;
  readonly #loaded: Promise<void>;

  constructor(
    path: string,
    write: (file: FileShelf, records: StoredRecord[], before: StoredRecord[]) => void,
  ) {
    super();
    this.#file = new FileShelf(path);
    this.#write = write;
    this.#loaded = this.#file.read().then((records) => {
      this.records = records;
    });
  }

  override async read(): Promise<StoredRecord[]> {
    await this.#loaded;
    return super.read();
  }

  override overwrite(records: StoredRecord[]): void {
    const before = this.records;
    super.overwrite(records);
    this.#write(this.#file, this.records, before);
  }

  override close(): void {
    this.#file.overwrite(this.records);
    this.#file.close();
  }
}

/** What a process saved it remembers, also after it closed the file. */
class RememberingShelf extends CachedShelf {
  override close(): void {}
}

/** A file from which nothing is ever taken away. */
class GrowingShelf extends FileShelf {
  #count = 0;

  override overwrite(records: StoredRecord[]): void {
    if (records.length < this.#count) return;
    this.#count = records.length;
    super.overwrite(records);
  }
}

/** Knows what was deleted as long as it is open. */
class ForgetfulShelf extends FileShelf {
  #removedVersion = 0;

  override get removedVersion(): number {
    return this.#removedVersion;
  }

  override set removedVersion(version: number) {
    this.#removedVersion = version;
  }
}

/** A text file that is written in two halves, in place. */
class TextShelf extends MemoryShelf {
  readonly #path: string;

  constructor(path: string) {
    super();
    this.#path = path;
  }

  override async read(): Promise<StoredRecord[]> {
    this.records = existsSync(this.#path) ? JSON.parse(readFileSync(this.#path, 'utf8')) : [];
    return super.read();
  }

  override overwrite(records: StoredRecord[]): void {
    const text = JSON.stringify(records);
    writeFileSync(this.#path, text.slice(0, text.length / 2));
    writeFileSync(this.#path, text);
  }
}

/** Writes at once, but for what it leaves for a little later. */
function writesLater(path: string, isLater: (before: number, after: number) => boolean): Shelf {
  return new CachedShelf(path, (file, records, { length }) => {
    if (isLater(length, records.length)) setTimeout(() => file.overwrite(records), 40).unref();
    else file.overwrite(records);
  });
}

/**
 * Writes something on the way to what it writes in the end, with some time between: milliseconds, so
 * many that a kill falls into it more often than beside it.
 */
function writesInTwo(
  path: string,
  time: number,
  halfway: (before: readonly StoredRecord[], after: readonly StoredRecord[]) => StoredRecord[],
): Shelf {
  return new CachedShelf(path, (file, records, before) => {
    const half = halfway(before, records);
    file.overwrite(half);
    const isWhole = half.every((record, at) => record === records[at]);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, isWhole ? 2 : time);
    file.overwrite(records);
  });
}

const remembered = new Map<string, Shelf>();

const inMemory = new Map<string, MemoryShelf>();

const faults: readonly [
  clause: 'D1' | 'D2' | 'D3' | 'S1' | 'S2' | 'V1',
  string,
  (path: string) => Shelf,
][] = [
  [
    'V1',
    'forgets which versions were deleted when it is closed',
    (path) => new ForgetfulShelf(path),
  ],
  [
    'D1',
    'keeps everything in memory',
    (path) => {
      const shelf = inMemory.get(path) ?? new MemoryShelf();
      inMemory.set(path, shelf);
      return shelf;
    },
  ],
  ['D1', 'forgets to write what was deleted', (path) => new GrowingShelf(path)],
  [
    'D2',
    'acknowledges before it writes',
    (path) =>
      new CachedShelf(path, (file, records) => {
        setTimeout(() => file.overwrite(records), 20).unref();
      }),
  ],
  ['D2', 'writes when it is closed', (path) => new CachedShelf(path, () => {})],
  [
    'D2',
    'keeps the last write back, until the next',
    (path) => {
      let last: StoredRecord[] | undefined;
      return new CachedShelf(path, (file, records) => {
        if (last !== undefined) file.overwrite(last);
        last = [...records];
      });
    },
  ],
  ['D3', 'writes its file in two halves, in place', (path) => new TextShelf(path)],
  [
    'D2',
    'acknowledges a delete before it writes it',
    (path) => writesLater(path, (before, after) => after > 0 && after < before),
  ],
  [
    'D2',
    'acknowledges a clear before it writes it',
    (path) => writesLater(path, (_before, after) => after === 0),
  ],
  [
    'D2',
    'acknowledges an update before it writes it',
    (path) => writesLater(path, (before, after) => after === before),
  ],
  [
    'D3',
    'absorbs in two steps: deletes the one, and updates the other then',
    (path) =>
      writesInTwo(path, 12, (before, after) =>
        before.filter((record) => after.some(({ id }) => id === record.id)),
      ),
  ],
  [
    'D3',
    'writes large values in place, piece by piece',
    (path) =>
      writesInTwo(path, 60, (before, after) =>
        after.map((record) => {
          const isLarge = JSON.stringify(record.extra ?? {}).length > 10_000;
          return isLarge && !before.includes(record) ? { ...record, extra: {} } : record;
        }),
      ),
  ],
  [
    'D1',
    'remembers what it saved, and writes it down in ASCII',
    (path) => {
      const shelf =
        remembered.get(path) ??
        new RememberingShelf(path, (file, records) =>
          file.overwrite(JSON.parse(JSON.stringify(records).replace(/[^ -~]/g, '?'))),
        );
      remembered.set(path, shelf);
      return shelf;
    },
  ],
  [
    'S1',
    'works with one process only: it reads the file when it is opened',
    (path) => new CachedShelf(path, (file, records) => file.overwrite(records)),
  ],
  [
    'S2',
    'creates its table without looking whether another process has',
    (path) => {
      const database = new DatabaseSync(path, { timeout: 10_000 });
      const tables = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'shelf'").all();
      database.close();
      const create = `CREATE TABLE ${TABLE}`;
      return tables.length > 0 ? new FileShelf(path) : new FileShelf(path, create);
    },
  ],
];

export const durableFaults: readonly BrokenStore[] = faults.map(([clause, fault, shelf]) =>
  brokenFile(clause, fault, { shelf }, import.meta.url),
);

/** For other processes, which load this module. */
export const definitions: readonly TokenStoreDefinition[] = durableFaults.map(
  ({ definition }) => definition,
);
