import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { StoredRecord, TokenStore } from '@tokenkeep/core';
import { PlainTokenStore } from '../broken/plain-token-store.ts';
import { Line, type Shelf } from '../broken/shelf.ts';

/** Of those that one line of the log says: they happened together. */
type Event =
  | { readonly put: StoredRecord }
  | { readonly removed: string }
  | { readonly removedVersion: number };

/** Records that are kept as what happened to them, line by line: nothing is ever written over. */
class EventLog implements Shelf {
  readonly #path: string;
  readonly #records = new Map<string, StoredRecord>();
  #removedVersion = 0;
  #read = 0;

  constructor(path: string) {
    this.#path = path;
  }

  get removedVersion(): number {
    this.#catchUp();
    return this.#removedVersion;
  }

  set removedVersion(version: number) {
    this.#append([{ removedVersion: version }]);
  }

  async read(): Promise<StoredRecord[]> {
    this.#catchUp();
    return [...this.#records.values()];
  }

  change<T>(work: (records: StoredRecord[]) => T | Promise<T>): Promise<T> {
    // Handles of this process share a line, and there is no other process.
    return lineOf(this.#path).wait(async () => {
      const records = await this.read();
      const result = await work(records);
      this.overwrite(records);
      return result;
    });
  }

  overwrite(records: StoredRecord[]): void {
    this.#catchUp();
    const left = new Set(records.map(({ id }) => id));
    const events: Event[] = [
      ...[...this.#records.keys()].filter((id) => !left.has(id)).map((removed) => ({ removed })),
      ...records
        .filter((record) => record !== this.#records.get(record.id))
        .map((put) => ({ put })),
    ];
    this.#append(events);
  }

  close(): void {}

  #append(events: readonly Event[]): void {
    if (events.length === 0) return;
    // It begins a line of its own, as a process that was killed may have left half of one.
    appendFileSync(this.#path, `\n${JSON.stringify(events)}\n`);
    this.#catchUp();
  }

  /** Reads what was written since, by whichever handle. */
  #catchUp(): void {
    const text = existsSync(this.#path) ? readFileSync(this.#path) : Buffer.alloc(0);
    const end = text.lastIndexOf('\n') + 1;
    for (const line of text.subarray(this.#read, end).toString().split('\n')) {
      if (line !== '') for (const event of eventsIn(line)) this.#follow(event);
    }
    this.#read = end;
  }

  #follow(event: Event): void {
    if ('put' in event) this.#records.set(event.put.id, event.put);
    else if ('removed' in event) this.#records.delete(event.removed);
    else this.#removedVersion = event.removedVersion;
  }
}

/** None in a line that was cut off: nobody was told that they happened. */
function eventsIn(line: string): Event[] {
  try {
    return JSON.parse(line);
  } catch {
    return [];
  }
}

const lines = new Map<string, Line>();

function lineOf(path: string): Line {
  const line = lines.get(path) ?? new Line();
  lines.set(path, line);
  return line;
}

/** A store that keeps events. */
export function eventLogStore(path: string): TokenStore {
  return new PlainTokenStore(new EventLog(path));
}
