/** The SDK's `UserSignature`. */
export interface ZohoUserSignature {
  getName(): string;
}

/** What is used of the SDK's `OAuthToken`. Any of its values may be `undefined` or `null`. */
export interface ZohoOAuthToken {
  getId(): string | null | undefined;
  setId(id: string | null): void;
  getUserSignature(): ZohoUserSignature | null | undefined;
  setUserSignature(userSignature: ZohoUserSignature | null): void;
  getClientId(): string | null | undefined;
  setClientId(clientId: string): void;
  getClientSecret(): string | null | undefined;
  setClientSecret(clientSecret: string): void;
  getRedirectURL(): string | null | undefined;
  setRedirectURL(redirectUrl: string | null): void;
  getGrantToken(): string | null | undefined;
  setGrantToken(grantToken: string | null): void;
  getRefreshToken(): string | null | undefined;
  setRefreshToken(refreshToken: string | null): void;
  getAccessToken(): string | null | undefined;
  setAccessToken(accessToken: string | null): void;
  /** Not what is left, but when it ends: milliseconds since the epoch, as text. */
  getExpiresIn(): string | null | undefined;
  setExpiresIn(expiresIn: string): void;
  getAPIDomain(): string | null | undefined;
  setAPIDomain(apiDomain: string | null): void;
}

/** What is used of the SDK's `InitializeBuilder`. */
export interface ZohoInitializeBuilder<Token> {
  token(token: Token): ZohoInitializeBuilder<Token>;
  // The JavaScript SDK wants its own class here, and the TypeScript SDK its interface.
  store(store: never): ZohoInitializeBuilder<Token>;
  initialize(): Promise<void>;
}

/**
 * What is used of the SDK's module: hand in the whole of it.
 *
 * @example
 * import * as sdk from '@zohocrm/typescript-sdk-8.0';
 */
export interface ZohoSdk<Token extends ZohoOAuthToken = ZohoOAuthToken> {
  readonly OAuthToken: new (
    clientId: null,
    clientSecret: null,
    grantToken: null,
    refreshToken: null,
    redirectUrl: null,
    id: null,
    accessToken: null,
    userSignature: null,
  ) => Token;
  readonly UserSignature: new (name: string) => ZohoUserSignature;
  /** The JavaScript SDK's constructor gives a promise. */
  readonly InitializeBuilder: new () => unknown;
  readonly SDKException: new (code: string, message: string) => object;
  /**
   * The class that the JavaScript SDK wants every store to be `instanceof`, or, as the SDK's module
   * exports it, an object with that class in it. The TypeScript SDK has an interface in its place.
   */
  readonly TokenStore?: unknown;
}

/** A store as the SDK calls it: the same six methods over the SDK's own token. */
export interface ZohoTokenStore<Token extends ZohoOAuthToken = ZohoOAuthToken> {
  /** Fills the token that it is given and gives it back, or gives `null`. */
  findToken(token: Token): Promise<Token | null>;
  /** Rejects with the SDK's `SDKException` where there is no such token. */
  findTokenById(id: string): Promise<Token>;
  /** Saves, and sets the id of the token that it is given. */
  saveToken(token: Token): Promise<void>;
  deleteToken(id: string): Promise<void>;
  getTokens(): Promise<Token[]>;
  deleteTokens(): Promise<void>;
  /**
   * Takes the login with this id back at the accounts server, and deletes its record. The SDK has to
   * be initialized. So does `token.revoke(id)` of the tokens that this store has seen.
   */
  revoke(id: string): Promise<void>;
  /**
   * Does some work as the user of a token: one user at a time, as the SDKs have one user for the
   * whole process. The SDK has to be initialized, and `work` must not call `withUser` and wait for it.
   */
  withUser<Result>(token: Token, work: () => Promise<Result>): Promise<Result>;
  /**
   * Deletes the records that have nothing but an access token, which ended before `olderThan`.
   *
   * @returns how many there were
   */
  purge(options: { readonly olderThan: Date }): Promise<number>;
}

/** A store that the vendor, or a user of the SDK, has written: its `FileStore`, `DBStore`, your own. */
export interface ZohoVendorStore<Token extends ZohoOAuthToken = ZohoOAuthToken> {
  findToken(token: Token): unknown;
  findTokenById(id: string): unknown;
  saveToken(token: Token): unknown;
  deleteToken(id: string): unknown;
  getTokens(): unknown;
  deleteTokens(): unknown;
}

/** A token of the SDK with nothing in it, as the vendor's own stores make it. */
export function blankToken<Token extends ZohoOAuthToken>(sdk: ZohoSdk<Token>): Token {
  return new sdk.OAuthToken(null, null, null, null, null, null, null, null);
}
