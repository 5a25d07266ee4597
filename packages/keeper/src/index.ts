export {
  KEEPER_ERROR_CODES,
  type ProviderFailure,
  type ReauthorizationReason,
  ReauthorizationRequiredError,
  RefreshFailedError,
  RevocationFailedError,
  TokenKeeperError,
  type TokenKeeperErrorCode,
  TokenNotSavedError,
  type Whose,
} from './errors.ts';
export type { FetchWithToken } from './fetch-with-token.ts';
export type { TokenKeeperEvents } from './keeper-events.ts';
export { type ReauthorizationRequired, reauthorizationRequired } from './keeper-notes.ts';
export type { TokenKeeperOptions } from './keeper-options.ts';
export { type OAuth2RefreshOptions, oauth2Refresh } from './oauth2-refresh.ts';
export type { RefreshContext, Refresher } from './refresher.ts';
export { TokenKeeper } from './token-keeper.ts';
export type { TokenRequest } from './token-request.ts';
export type { Who, WhoFields } from './who.ts';
