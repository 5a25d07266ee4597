import type { StoredRecord, TokenStoreError } from '@tokenkeep/core';
import {
  type Commit,
  type DigestedKey,
  hasOneOf,
  KEYS,
  type Row,
  type Send,
  type SlottedEntry,
  type Snapshot,
  STALE,
  TableEngine,
} from '@tokenkeep/core/adapter/server';
import { connectionsOf, requirePlain } from './connections.ts';
import { hiddenRecord, isTaken, translateError } from './errors.ts';
import type { CheckedOptions } from './options.ts';
import { ensureSchema, type Names, quotedNames, unknownSchema, WRITTEN } from './schema.ts';
import {
  arrayText,
  bytesOf,
  entryOfRow,
  JOINS,
  RECORD,
  recordOfRow,
  SLOTS,
  valuesOf,
} from './token-row.ts';

/** How often a row is written that is refused because of another that is not to be seen. */
const MAX_ATTEMPTS = 5;

/** What PostgreSQL says in its own way. */
export class PostgresEngine extends TableEngine {
  readonly #options: CheckedOptions;
  readonly #names: Names;

  constructor(options: CheckedOptions) {
    const names = quotedNames(options.schema, options.table);
    super({
      connections: connectionsOf(options),
      timeout: options.timeout,
      batch: 1_000,
      name: names.table,
      state: names.state,
      record: RECORD,
      written: WRITTEN.map(([column, type]) => [column, `?::${type}`]),
      slots: SLOTS,
      joins: JOINS,
      lockShared: 'FOR SHARE',
    });
    this.#options = options;
    this.#names = names;
  }

  async open(): Promise<void> {
    await this.connections.open();
    await this.connections.retry(requirePlain);
    await this.connections.retry((send) => ensureSchema(send, this.#names));
  }

  async read(keys: readonly DigestedKey[]): Promise<Snapshot<SlottedEntry>> {
    // The deleted version comes in any case.
    const sql = `SELECT deleted_version, write_ids, slots, joins, ${RECORD}
      FROM ${this.#names.state} LEFT JOIN ${this.#names.table} ON ${hasOneOf(keys)}`;
    const rows = await this.connections.rows(sql, this.digestsOf(keys));
    if (rows.length === 0) throw unknownSchema(this.#names);
    return {
      entries: rows.filter((row) => row['write_ids'] !== null).map(entryOfRow),
      deletedVersion: Number(rows[0]?.['deleted_version']),
    };
  }

  override async commit(commit: Commit<SlottedEntry>): Promise<SlottedEntry | typeof STALE> {
    const { replaces, absorbs, others, keys } = commit;
    const known = [replaces, ...absorbs, ...others].map((entry) => entry?.writeIds[0]);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await super.commit(commit);
      } catch (error) {
        if (!isTaken(error)) throw error;
        const { entries } = await this.read(keys);
        if (!entries.every(({ writeIds }) => known.includes(writeIds[0]))) return STALE;
        // What has the key was there for a moment, or row level security hides it.
        if (attempt === MAX_ATTEMPTS) throw hiddenRecord();
      }
    }
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return translateError(error, this.#options.server);
  }

  protected recordOf(row: Row): StoredRecord {
    return recordOfRow(row);
  }

  protected digestValue(digest: string): Uint8Array {
    return bytesOf(digest);
  }

  protected joinsValue(joins: SlottedEntry['joins']): string {
    return arrayText(joins);
  }

  protected noneOf(selects: readonly string[]): string {
    // One by one: of several in one, the planner reads the whole table if it has no statistics yet.
    return selects.map((select) => `NOT EXISTS (${select})`).join(' AND ');
  }

  protected valuesOf(entry: SlottedEntry, keys: readonly DigestedKey[]): unknown[] {
    return valuesOf(entry, keys);
  }

  protected async promote(send: Send, place: number, digests: readonly unknown[]): Promise<void> {
    const digest = `${KEYS[place]?.[0]}_digest`;
    const [slot, joins] = [SLOTS[place], JOINS[place]];
    const first = `SELECT DISTINCT ON (${digest}) position FROM ${this.#names.table}
      WHERE ${digest} = ANY (?::bytea[]) ORDER BY ${digest}, ${slot}`;
    const promote = `UPDATE ${this.#names.table} SET ${slot} = 0, ${joins} = ${joins} + 1
      WHERE ${slot} > 0 AND position IN (${first})`;
    await send(promote, [digests]);
  }
}
