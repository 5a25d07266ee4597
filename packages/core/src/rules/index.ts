/**
 * The matching and merging rules, pure: for whoever checks a store, or writes one without
 * `StorageTokenStore`.
 *
 * @module
 */
export {
  agrees,
  findMatch,
  keysOf,
  matchesOn,
  OWNER_FIELDS,
  type TokenKey,
  type TokenKeyField,
} from './matching.ts';
export {
  isRenamed,
  newId,
  type PlanOptions,
  planSave,
  type RecordChange,
  refuseOtherVersion,
  type SavePlan,
} from './save-plan.ts';
