export { decodedPart, isLoopback, networkFailure, tlsRequired } from './connection.ts';
export { Deadline } from './deadline.ts';
export {
  AmbiguousTokenError,
  driverCodeOf,
  ERROR_CODES,
  InvalidTokenError,
  invalidOption,
  recordCorrupt,
  TokenConflictError,
  TokenStoreError,
  type TokenStoreErrorCode,
  type TokenStoreErrorDetails,
} from './errors.ts';
export { type JsonObject, type JsonValue, MAX_FIELD_BYTES } from './field-checks.ts';
export { type Failures, GroupCommit } from './group-commit.ts';
export { LastWritten } from './last-written.ts';
export {
  agrees,
  findMatch,
  keysOf,
  matchesOn,
  type TokenKey,
  type TokenKeyField,
} from './matching.ts';
export {
  OAuthToken,
  type StoredRecord,
  type TokenInit,
  type TokenRecord,
  type UserSignature,
} from './oauth-token.ts';
export { keyDigest, OptimisticSaver, type ReadAndWrite } from './optimistic-save.ts';
export { createPrivateFile, fileFailure, resolvePath } from './private-file.ts';
export { isRenamed, planSave, type RecordChange, type SavePlan } from './save-plan.ts';
export { StorageTokenStore } from './storage-token-store.ts';
export { OAuthResponseError, type TokenResponseContext } from './token-response.ts';
export type { Decide, MaybePromise, TokenStorage } from './token-storage.ts';
export type { SaveOptions, TokenStore } from './token-store.ts';
