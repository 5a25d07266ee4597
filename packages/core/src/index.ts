export {
  AmbiguousTokenError,
  ERROR_CODES,
  InvalidTokenError,
  TokenConflictError,
  TokenStoreError,
  type TokenStoreErrorCode,
  type TokenStoreErrorDetails,
} from './errors.ts';
export type {
  ClearableField,
  DeleteOptions,
  SaveOptions,
  TokenStore,
} from './store/token-store.ts';
export {
  type JsonObject,
  type JsonValue,
  MAX_EXTRA_DEPTH,
  MAX_FIELD_BYTES,
} from './token/field-checks.ts';
export { OAuthToken } from './token/oauth-token.ts';
export type {
  StoredRecord,
  TokenInit,
  TokenRecord,
  UserSignature,
} from './token/token-fields.ts';
export { OAuthResponseError, type TokenResponseContext } from './token/token-response.ts';
