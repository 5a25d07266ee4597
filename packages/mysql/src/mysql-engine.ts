import type { StoredRecord, TokenStoreError } from '@tokenkeep/core';
import {
  type DigestedKey,
  hasOneOf,
  KEYS,
  type Row,
  type Send,
  type SlottedEntry,
  type Snapshot,
  TableEngine,
} from '@tokenkeep/core/adapter/server';
import { connectionsOf, requirePlain } from './connections.ts';
import { translateError } from './errors.ts';
import type { CheckedOptions, MysqlValue } from './options.ts';
import { ensureSchema } from './schema.ts';
import {
  ENTRY,
  entryOfRow,
  joinsOf,
  RECORD,
  recordOfRow,
  SLOTS,
  valuesOf,
  WRITTEN,
} from './token-row.ts';

/**
 * What MySQL and MariaDB say in their own way. Each value is a `?`, so that there are few different
 * texts: a server keeps 16,382 prepared statements at most, for all its connections.
 */
export class MysqlEngine extends TableEngine {
  readonly #options: CheckedOptions;

  /** @throws TokenStoreError `INVALID_OPTION` */
  constructor(options: CheckedOptions) {
    super({
      connections: connectionsOf(options),
      timeout: options.timeout,
      batch: 200,
      name: `\`${options.table}\``,
      state: `\`${options.table}_lock\``,
      record: RECORD,
      written: WRITTEN.map((column) => [column, '?']),
      slots: SLOTS,
      joins: KEYS.map(() => 'joins'),
      // What FOR SHARE is called on both.
      lockShared: 'LOCK IN SHARE MODE',
    });
    this.#options = options;
  }

  async open(): Promise<void> {
    await this.connections.open();
    await this.connections.retry(requirePlain);
    // What a migration takes grows with the number of rows.
    await this.connections.use((send) => ensureSchema(send, this.#options.table), false);
  }

  async read(keys: readonly DigestedKey[]): Promise<Snapshot<SlottedEntry>> {
    const sql = `SELECT ${ENTRY} FROM ${this.table.name} WHERE ${hasOneOf(keys)}`;
    const entries = (await this.connections.rows(sql, this.digestsOf(keys))).map(entryOfRow);
    const id = keys.find(({ field }) => field === 'id');
    if (id === undefined || entries.some(({ record }) => record.id === id.value)) {
      return { entries };
    }
    // After the rows: what was deleted before they were read is in it.
    const [state] = await this.connections.rows(
      `SELECT deleted_version AS version FROM ${this.table.state}`,
    );
    return { entries, deletedVersion: Number(state?.['version']) };
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return translateError(error, this.#options.server);
  }

  protected recordOf(row: Row): StoredRecord {
    return recordOfRow(row);
  }

  protected digestValue(digest: string): string {
    return digest;
  }

  protected joinsValue(joins: SlottedEntry['joins']): number {
    return joinsOf(joins);
  }

  protected noneOf(selects: readonly string[]): string {
    // Neither server reads a table that it writes to but by way of a derived one, which it has to make.
    return `NOT EXISTS (SELECT 1 FROM (${selects.join(' UNION ALL ')} LIMIT 1) AS holder)`;
  }

  protected valuesOf(entry: SlottedEntry, keys: readonly DigestedKey[]): MysqlValue[] {
    return valuesOf(entry, keys);
  }

  protected async promote(send: Send, place: number, digests: readonly unknown[]): Promise<void> {
    const [prefix] = KEYS[place] ?? [];
    const holder = `SELECT 1 FROM ${this.table.name} WHERE ${prefix}_digest = ? AND ${prefix}_slot = 0`;
    const promote = `UPDATE ${this.table.name} SET ${prefix}_slot = 0, joins = joins + 1
      WHERE ${prefix}_digest = ? AND ${this.noneOf([holder])} ORDER BY ${prefix}_slot LIMIT 1`;
    for (const digest of digests) await send(promote, [digest, digest]);
  }
}
