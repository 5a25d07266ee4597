/**
 * For whoever writes a store on a database server that can compare and set: {@link Engine} is what
 * to write, {@link OptimisticStorage} makes the rest of it.
 *
 * @module
 */

export { STALE } from '../stale.ts';
export {
  connectionFailed,
  decodedPart,
  isLoopback,
  networkFailure,
  requireTls,
  timedOut,
  tlsRequired,
} from './connection.ts';
export { Deadline } from './deadline.ts';
export { type DigestedKey, digestedKeysOf, digestKey } from './digested-key.ts';
export {
  type Commit,
  type Engine,
  type Entry,
  MAX_WRITE_IDS,
  type Snapshot,
  withWriteId,
} from './engine.ts';
export { OptimisticStorage } from './optimistic-storage.ts';
