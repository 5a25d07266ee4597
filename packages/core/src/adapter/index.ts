/**
 * For whoever writes a store: what every store shares. Plumbing for stores on a server is in
 * `@tokenkeep/core/adapter/server`, for stores in files in `@tokenkeep/core/adapter/file`.
 *
 * @module
 */
export { driverCodeOf, invalidOption, recordCorrupt } from '../errors.ts';
export type { TokenKey, TokenKeyField } from '../rules/matching.ts';
export { newId, type RecordChange, refuseOtherVersion, type SavePlan } from '../rules/save-plan.ts';
export { checkString } from '../token/field-checks.ts';
export { RECORD_FIELDS, STRING_FIELDS } from '../token/token-fields.ts';
export { CLEARABLE_FIELDS } from './call-options.ts';
export {
  refuseTogether,
  requireFalseIfGiven,
  requireKnownOptions,
  requireTableName,
  requireTimeout,
} from './constructor-options.ts';
export { EventLoopTurn } from './event-loop-turn.ts';
export { GroupCommit, type Work } from './group-commit.ts';
export { loadDriver } from './load-driver.ts';
export { MemorySpace } from './memory-space.ts';
export {
  columnValues,
  type RecordColumn,
  recordColumns,
  recordInRow,
} from './record-columns.ts';
export { recordInText } from './record-text.ts';
export { retryWhileBusy } from './retry-while-busy.ts';
export { HEAD_BYTES } from './snapshot/snapshot-format.ts';
export {
  type Snapshot,
  type SnapshotSource,
  SnapshotStorage,
} from './snapshot/snapshot-storage.ts';
export { STALE } from './stale.ts';
export { StorageTokenStore } from './storage-token-store.ts';
export type { Decide, MaybePromise, TokenStorage } from './token-storage.ts';
