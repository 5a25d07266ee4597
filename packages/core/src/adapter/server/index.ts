/**
 * For whoever writes a store on a database server that can compare and set: {@link Engine} is what
 * to write, {@link OptimisticStorage} makes the rest of it.
 *
 * @module
 */

export { repeatWhileStale } from '../repeat.ts';
export { STALE } from '../stale.ts';
export { awsAttempts, awsErrorName, awsTlsMiddleware, requireAwsTls } from './aws-sdk.ts';
export {
  addressIn,
  connectionFailed,
  decodedPart,
  isLoopback,
  networkFailure,
  requireTls,
  type ServerAddress,
  timedOut,
  tlsRequired,
} from './connection.ts';
export {
  type ConnectionPool,
  type ConnectionSettings,
  Connections,
  type LentConnection,
  type Row,
  type Send,
  type StatementResult,
} from './connections.ts';
export { Deadline } from './deadline.ts';
export { type DigestedKey, digestedKeysOf, digestKey, digestsOf } from './digested-key.ts';
export {
  type Commit,
  concernsOneRecord,
  type Engine,
  type Entry,
  entryAfter,
  freedKeys,
  keysToBeFree,
  MAX_WRITE_IDS,
  type Snapshot,
  withWriteId,
} from './engine.ts';
export { hasOneOf, KEYS, type SlottedEntry, slottedEntry } from './key-slots.ts';
export { type Meanings, meaningOf } from './meanings.ts';
export { OptimisticStorage } from './optimistic-storage.ts';
export { type Batches, clearInBatches, type PositionedRows, pagesOf } from './positioned-rows.ts';
export type { ServerOptions } from './server-options.ts';
export { type SlottedTable, TableEngine } from './table-engine.ts';
