import { setTimeout as wait } from 'node:timers/promises';
import { TokenStoreError } from '../../errors.ts';
import type { Connections, Row } from './connections.ts';

/** Rows that are read at once: few enough that the event loop does not wait long for them. */
const PAGE = 200;

/** A table whose rows have a `position`, which only grows. */
export interface PositionedRows {
  readonly connections: Pick<Connections, 'rows'>;
  /** Its name as statements have it. */
  readonly table: string;
}

/** Its rows in their order, a page at a time. */
export async function* pagesOf(
  { connections, table }: PositionedRows,
  columns: string,
): AsyncGenerator<Row[], void, undefined> {
  for (let last = 0; ; ) {
    const page = `WHERE position > ${last} ORDER BY position LIMIT ${PAGE}`;
    const rows = await connections.rows(`SELECT position, ${columns} FROM ${table} ${page}`);
    if (rows.length === 0) return;
    last = Number(rows.at(-1)?.['position']);
    yield rows.map(({ position: _, ...row }) => row);
  }
}

/** How {@link clearInBatches} removes rows. */
export interface Batches extends PositionedRows {
  /** How long to wait for rows that others have locked: milliseconds. */
  readonly timeout: number;
  /**
   * Removes some rows after one position and up to another that nobody has locked.
   *
   * @returns the position of the last of them; `undefined` where none was to be had
   */
  remove(after: number, last: number): Promise<number | undefined>;
}

/**
 * Removes the rows that are there now in batches, so that others do not wait long. Those that are
 * locked are left for later: a statement that waits for a lock may delete after the caller was told
 * that it failed.
 *
 * @throws TokenStoreError `TIMEOUT` where others hold rows locked all the time
 */
export async function clearInBatches(batches: Batches): Promise<void> {
  const { connections, table, timeout } = batches;
  const [newest] = await connections.rows(`SELECT max(position) AS position FROM ${table}`);
  const newestPosition = Number(newest?.['position'] ?? 0);
  const left = `SELECT 1 FROM ${table} WHERE position <= ${newestPosition} LIMIT 1`;
  let end = performance.now() + timeout;
  for (let after = 0; ; ) {
    const last = await batches.remove(after, newestPosition);
    if (last !== undefined) {
      after = last;
      end = performance.now() + timeout;
      continue;
    }
    if ((await connections.rows(left)).length === 0) return;
    if (performance.now() > end) {
      throw new TokenStoreError(
        'TIMEOUT',
        `Some records were locked by others for ${timeout} ms. Those that were not removed stay; call it again to remove them.`,
      );
    }
    after = 0;
    await wait(10);
  }
}
