import { randomUUID } from 'node:crypto';
import type { StoredRecord, TokenStoreError } from '@tokenkeep/core';
import {
  type Decide,
  type RecordChange,
  StorageTokenStore,
  type TokenKey,
  type TokenStorage,
} from '@tokenkeep/core/adapter';
import { keyDigest, LastWritten, OptimisticSaver } from '@tokenkeep/core/adapter/server';
import { isRenamed, keysOf } from '@tokenkeep/core/rules';
import { Connections, type Session } from './connections.ts';
import { isLostConnection, isLostRace, translateError } from './errors.ts';
import {
  type CheckedOptions,
  checkOptions,
  type MysqlTokenStoreOptions,
  type MysqlValue,
} from './options.ts';
import { ensureSchema, KEYS } from './schema.ts';
import { Statements, WRITTEN } from './statements.ts';
import {
  idDigest,
  type KeySlot,
  keyDigests,
  recordOfRow,
  rowValues,
  type TokenRow,
  tokenRow,
} from './token-row.ts';

/**
 * A token store in a table of MySQL (8.0 or later) or MariaDB (10.6 or later), for any number of
 * processes and machines.
 *
 * @example
 * const store = new MysqlTokenStore({ uri: 'mysql://app:password@localhost/zohooauth' });
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class MysqlTokenStore extends StorageTokenStore {
  /** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
  constructor(options: MysqlTokenStoreOptions) {
    super(new MysqlTable(checkOptions(options)));
  }
}

/** How often a save is tried again whose connection broke. */
const MAX_LOST_CONNECTIONS = 2;

/** A save that is going on. */
interface Save {
  readonly keys: readonly TokenKey[];
  readonly digests: readonly string[];
  readonly decide: Decide;
  /**
   * What the rows that it wrote, or may have written where an answer was lost, are known by. One that
   * is decided anew is another write: who read the first must not take it for that.
   */
  readonly writers: string[];
}

/** A row as it was written or read. */
interface Written {
  readonly row: TokenRow;
  /** Digests, among them those of its keys that no other row had. */
  readonly sole: readonly string[];
}

class MysqlTable implements TokenStorage {
  readonly #table: string;
  readonly #connections: Connections;
  readonly #statements: Statements;
  readonly #saver = new OptimisticSaver();
  readonly #lastWritten = new LastWritten<Written>();

  constructor(options: CheckedOptions) {
    this.#table = options.table;
    this.#connections = new Connections(options);
    this.#statements = new Statements(options.table);
  }

  async open(): Promise<void> {
    await this.#connections.open();
    await this.#connections.useRepeatably((session) => ensureSchema(session, this.#table));
  }

  async find(keys: readonly TokenKey[]): Promise<StoredRecord[]> {
    const sql = this.#statements.find(keys.map(prefixOf));
    const digests = keys.map(keyDigest);
    const rows = await this.#connections.useRepeatably((session) => session.select(sql, digests));
    return rows.map(recordOfRow);
  }

  save(keys: readonly TokenKey[], decide: Decide): Promise<void> {
    const save: Save = { keys, digests: keys.map(keyDigest), decide, writers: [] };
    let lost = 0;
    return this.#saver.repeat(keys, async () => {
      try {
        return await this.#connections.use(async (session) => {
          const last = this.#lastWritten.take(save.digests);
          if (last !== undefined && (await this.#saveOver(session, last, save))) return true;
          return this.#attempt(session, save);
        });
      } catch (error) {
        if (isLostRace(error)) return false;
        if (!isLostConnection(error)) throw error;
        lost += 1;
        if (lost > MAX_LOST_CONNECTIONS) throw error;
        return false;
      }
    });
  }

  async delete(id: string): Promise<void> {
    await this.#erase(this.#statements.delete, [idDigest(id)]);
    this.#lastWritten.forget(id);
  }

  async all(): Promise<StoredRecord[]> {
    const rows = await this.#connections.useRepeatably((session) =>
      session.select(this.#statements.all, []),
    );
    return rows.map(recordOfRow);
  }

  async clear(): Promise<void> {
    await this.#erase(this.#statements.deleteAll, []);
    this.#lastWritten.clear();
  }

  close(): Promise<void> {
    return this.#connections.close();
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return translateError(error);
  }

  /** Saves over the row that this store wrote last, if it is as it was: spares the read. */
  async #saveOver(session: Session, last: Written, save: Save): Promise<boolean> {
    const { row, sole } = last;
    const isSole = (digest: string) => sole.includes(digest) || !holds(row, digest);
    if (!save.digests.every(isSole)) return false;
    // An id comes first, and may be that of another.
    if (save.keys.some(({ field, value }) => field === 'id' && value !== row.record.id))
      return false;
    let change: RecordChange | null;
    try {
      change = save.decide([row.record]);
    } catch {
      // Only what is read is a reason to refuse a save.
      return false;
    }
    if (change === null || change.replaces === null) return false;
    const digests = keyDigests(change.record, save);
    if (needsTurn(change, digests, [row])) return false;
    const isSaved = await this.#update(session, { record: change.record, digests }, last, save);
    if (!isSaved) this.#lastWritten.giveUp(row.record.id);
    return isSaved;
  }

  /** The usual save of a record that another process wrote last is one read and one write. */
  async #attempt(session: Session, save: Save): Promise<boolean> {
    const rows = await this.#rows(session, save.keys, save.digests);
    // It was done, but its answer was lost.
    if (rows.some((row) => save.writers.includes(row.writer))) return true;
    const change = save.decide(rows.map(({ record }) => record));
    if (change === null) return true;
    const { record } = change;
    const digests = keyDigests(record, save);
    if (needsTurn(change, digests, rows)) return this.#takeTurn(session, save);
    const row = rows.find((each) => each.record.id === record.id);
    if (row !== undefined) {
      return this.#update(session, { record, digests }, { row, sole: save.digests }, save);
    }
    const added = newRow(record, digests.map(firstSlot), save);
    const isAdded = await session.change(this.#statements.insert, [
      ...rowValues(added),
      idDigest(record.id),
      ...digests,
    ]);
    if (isAdded) this.#keep({ row: added, sole: save.digests });
    return isAdded;
  }

  /**
   * Changes a row in one statement, which is refused if the row was written since, if another came
   * to share one of its keys, or if another has a key that is new to it: by its guard if that was
   * written before, by the unique keys if it is written at the same time.
   *
   * @param before the row, and those of its keys that no other row has
   */
  async #update(
    session: Session,
    { record, digests }: { record: StoredRecord; digests: readonly (string | null)[] },
    before: Written,
    save: Save,
  ): Promise<boolean> {
    const row = {
      ...newRow(record, keptSlots(digests.map(firstSlot), before.row), save),
      joins: before.row.joins,
    };
    const isNew = (digest: string | null): digest is string =>
      digest !== null && !holds(before.row, digest);
    const { columns, values } = changed(before.row, row);
    const newKeys = KEYS.flatMap(([prefix], key) => (isNew(digests[key] ?? null) ? prefix : []));
    const sql = this.#statements.update(columns, newKeys);
    const isChanged = await session.change(sql, [
      ...values,
      idDigest(record.id),
      before.row.writer,
      before.row.joins,
      ...digests.filter(isNew),
    ]);
    if (isChanged) {
      const sole = [...before.sole, ...save.digests];
      this.#keep({
        row,
        sole: digests.filter(
          (digest): digest is string => digest !== null && sole.includes(digest),
        ),
      });
    }
    return isChanged;
  }

  #keep(written: Written): void {
    this.#lastWritten.keep(written.row.record, written.sole, written);
  }

  /**
   * Saves that absorb or rename records, or join others of another client on a key, are rare, and
   * take turns: each in a transaction that changes one row that all of them change.
   */
  async #takeTurn(session: Session, save: Save): Promise<boolean> {
    await session.query('START TRANSACTION');
    try {
      await session.change(this.#statements.takeTurn, []);
      const rows = await this.#rows(session, save.keys, save.digests, ' FOR UPDATE');
      const change = save.decide(rows.map(({ record }) => record));
      const written = change === null || (await this.#write(session, change, rows, save));
      await session.query(written ? 'COMMIT' : 'ROLLBACK');
      for (const { id } of change?.absorbs ?? []) this.#lastWritten.forget(id);
      return written;
    } catch (error) {
      await session.rollBack(error);
      throw error;
    }
  }

  async #write(
    session: Session,
    { record, absorbs }: RecordChange,
    rows: readonly TokenRow[],
    save: Save,
  ): Promise<boolean> {
    for (const absorbed of absorbs) {
      await session.change(this.#statements.delete, [idDigest(absorbed.id)]);
    }
    const digests = keyDigests(record, save);
    const before = rows.find((row) => row.record.id === record.id);
    // What it absorbs may bring keys that the token does not name.
    const unread = keysOf(record).filter((key) => !save.digests.includes(keyDigest(key)));
    const unreadRows = await this.#rows(session, unread, unread.map(keyDigest), ' FOR UPDATE');
    const others = [...rows, ...unreadRows].filter(
      (row) => row.record.id !== record.id && !absorbs.some(({ id }) => id === row.record.id),
    );
    const joined = new Set<string>();
    const slots = digests.map((digest, key) => {
      if (digest === null) return null;
      const held = before?.keys[key];
      if (held?.digest === digest) return held;
      // Who took a key since it was read is in the way of the unique key, as it should be.
      const holders = others.filter((row) => row.keys[key]?.digest === digest);
      for (const { record: holder } of holders) joined.add(holder.id);
      return { digest, slot: Math.max(-1, ...holders.map((row) => row.keys[key]?.slot ?? 0)) + 1 };
    });
    // They are no longer alone with a key: what was decided before is to be decided again.
    for (const id of joined) await session.change(this.#statements.join, [idDigest(id)]);
    const row = newRow(record, slots, save);
    const id = idDigest(record.id);
    if (before === undefined) {
      return session.change(this.#statements.insertBeside, [...rowValues(row), id]);
    }
    const { columns, values } = changed(before, row);
    const sql = this.#statements.update(columns, []);
    return session.change(sql, [...values, id, before.writer, before.joins]);
  }

  async #rows(
    session: Session,
    keys: readonly TokenKey[],
    digests: readonly string[],
    lock = '',
  ): Promise<TokenRow[]> {
    if (keys.length === 0) return [];
    const sql = this.#statements.findForSave(keys.map(prefixOf)) + lock;
    return (await session.select(sql, digests)).map(tokenRow);
  }

  /** May be in a deadlock with a save, as that locks what it needs in another order. */
  async #erase(sql: string, values: MysqlValue[]): Promise<void> {
    await this.#saver.repeat([], async () => {
      try {
        await this.#connections.useRepeatably((session) => session.change(sql, values));
        return true;
      } catch (error) {
        if (isLostRace(error)) return false;
        throw error;
      }
    });
  }
}

/** Whether a change concerns more than one record, so that one statement can't do it. */
function needsTurn(
  { record, replaces, absorbs }: RecordChange,
  digests: readonly (string | null)[],
  rows: readonly TokenRow[],
): boolean {
  if (absorbs.length > 0) return true;
  if (replaces !== null && isRenamed(replaces, record)) return true;
  const others = rows.filter((row) => row.record.id !== record.id);
  return others.some((row) => digests.some((digest) => digest !== null && holds(row, digest)));
}

function holds(row: TokenRow, digest: string): boolean {
  return row.keys.some((key) => key?.digest === digest);
}

/** A record keeps the slots of the keys that it keeps. */
function keptSlots(slots: readonly (KeySlot | null)[], before: TokenRow): (KeySlot | null)[] {
  return slots.map((wanted, key) => {
    const held = before.keys[key];
    return held != null && held.digest === wanted?.digest ? held : wanted;
  });
}

function newRow(record: StoredRecord, keys: readonly (KeySlot | null)[], save: Save): TokenRow {
  const writer = randomUUID();
  save.writers.push(writer);
  return { record, keys, writer, joins: 0 };
}

function firstSlot(digest: string | null): KeySlot | null {
  return digest === null ? null : { digest, slot: 0 };
}

/** The columns that are another in a row, and their values. */
function changed(
  before: TokenRow,
  after: TokenRow,
): { columns: readonly string[]; values: MysqlValue[] } {
  const old = rowValues(before);
  const values = rowValues(after);
  const isOther = (_: unknown, place: number) => values[place] !== old[place];
  return { columns: WRITTEN.filter(isOther), values: values.filter(isOther) };
}

/** What the columns of a key begin with. */
function prefixOf({ field }: TokenKey): string {
  return KEYS.find(([, name]) => name === field)?.[0] ?? 'id';
}
