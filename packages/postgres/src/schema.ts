import { TokenStoreError } from '@tokenkeep/core';
import { type RecordColumn, recordColumns } from '@tokenkeep/core/adapter';
import { KEYS, type Send } from '@tokenkeep/core/adapter/server';
import { isMadeAlready } from './errors.ts';

/** The columns of a record. */
export const COLUMNS: readonly RecordColumn[] = recordColumns({ issuer: 1, resource: 1, lease: 1 });

/**
 * The columns that are written, and their types. Text is `bytea`: `text` holds no NUL, and depends on
 * the encoding of the database. A value can be 64 KiB, which no index takes: hence digests.
 */
export const WRITTEN: readonly (readonly [column: string, type: string])[] = [
  ...COLUMNS.map(({ name, isNumber }) => [name, isNumber ? 'bigint' : 'bytea'] as const),
  ['id_digest', 'bytea'],
  ...KEYS.map(([prefix]) => [`${prefix}_digest`, 'bytea'] as const),
  ['slots', 'int[]'],
  ['joins', 'int[]'],
  ['write_ids', 'text'],
];

const REQUIRED: readonly string[] = ['id', 'version', 'id_digest', 'slots', 'joins', 'write_ids'];

/** The version of the schema that this package makes. */
const SCHEMA_VERSION = 1;

const TABLE_COLUMNS = namesOf(['position', ...WRITTEN.map(([column]) => column)]);
const STATE_COLUMNS = namesOf(['one', 'schema_version', 'deleted_version']);

/** A table and the one beside it, as they are named in statements. */
export interface Names {
  readonly schema: string;
  readonly table: string;
  readonly state: string;
}

/** @param schema checked, as `table` is: nothing in it needs to be escaped */
export function quotedNames(schema: string, table: string): Names {
  return {
    schema: `"${schema}"`,
    table: `"${schema}"."${table}"`,
    state: `"${schema}"."${table}_state"`,
  };
}

/** Without IF NOT EXISTS: whoever is second undoes it all, and looks again. */
function createStatements({ table, state }: Names): string {
  const columns = WRITTEN.map(
    ([column, type]) => `${column} ${type}${REQUIRED.includes(column) ? ' NOT NULL' : ''}`,
  );
  return [
    `CREATE TABLE ${state} (one boolean PRIMARY KEY CHECK (one), schema_version int NOT NULL, deleted_version bigint NOT NULL)`,
    `INSERT INTO ${state} VALUES (true, ${SCHEMA_VERSION}, 0)`,
    `CREATE TABLE ${table} (
      position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ${columns.join(', ')}, UNIQUE (id_digest))`,
    ...KEYS.map(
      ([prefix], place) =>
        `CREATE UNIQUE INDEX ON ${table} (${prefix}_digest, (slots[${place + 1}])) WHERE ${prefix}_digest IS NOT NULL`,
    ),
  ].join('; ');
}

const MAX_ATTEMPTS = 5;

/**
 * Makes the tables where they are missing, in one transaction: several processes may do so at once,
 * and one that stops halfway leaves nothing.
 *
 * @throws TokenStoreError `SCHEMA_UNKNOWN`
 */
export async function ensureSchema(send: Send, names: Names): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const { hasSchema, hasTables } = await inspect(send, names);
    if (hasTables) return;
    // Only where it is missing: IF NOT EXISTS demands the right to make it all the same.
    const first = hasSchema ? '' : `CREATE SCHEMA ${names.schema}; `;
    try {
      // Several statements in one message are one transaction.
      await send(first + createStatements(names));
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isMadeAlready(error)) throw error;
    }
  }
}

async function inspect(
  send: Send,
  names: Names,
): Promise<{ hasSchema: boolean; hasTables: boolean }> {
  const itsColumns = `(SELECT string_agg(attname::text, ',') FROM pg_catalog.pg_attribute
      WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped)`;
  const { rows } = await send(
    `SELECT to_regnamespace(?) IS NOT NULL AS "hasSchema", ${itsColumns} AS columns, ${itsColumns} AS state`,
    [names.schema, names.table, names.state],
  );
  const { hasSchema, columns, state } = { ...rows[0] };
  if (columns === null && state === null)
    return { hasSchema: hasSchema === true, hasTables: false };
  const isOurs =
    namesOf(String(columns).split(',')) === TABLE_COLUMNS &&
    namesOf(String(state).split(',')) === STATE_COLUMNS;
  const found = isOurs ? await send(`SELECT schema_version AS version FROM ${names.state}`) : null;
  if (Number(found?.rows[0]?.['version']) === SCHEMA_VERSION) {
    return { hasSchema: true, hasTables: true };
  }
  throw unknownSchema(names);
}

/** The error for tables that are not ours. */
export function unknownSchema(names: Names): TokenStoreError {
  return new TokenStoreError(
    'SCHEMA_UNKNOWN',
    `The table ${names.table} or ${names.state} was not made by a token store of this version. Name another with the option table or schema, or upgrade this package if a newer one made it; it was left as it is.`,
  );
}

function namesOf(columns: readonly string[]): string {
  return columns.toSorted().join();
}
