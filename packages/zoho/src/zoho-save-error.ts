import { type OAuthToken, TokenStoreError } from '@tokenkeep/core';

/** What the SDK got from the accounts server could not be saved. */
export class ZohoSaveError extends TokenStoreError {
  override readonly name: string = 'ZohoSaveError';
  readonly #token: OAuthToken;

  constructor(error: TokenStoreError, attempts: number, token: OAuthToken) {
    const { code, retryable, driverCode } = error;
    const tries = attempts === 1 ? 'once' : `${attempts} times`;
    super(
      code,
      `${error.message} The save was tried ${tries}: what the SDK has just got from the accounts server is in memory only. A grant token can't be spent again, so give unsavedToken(exception), of @tokenkeep/zoho, to saveToken of the store once that works, before this process ends.`,
      { operation: 'saveToken', retryable, driverCode },
    );
    this.#token = token;
  }

  /** The only copy of what was got. */
  get token(): OAuthToken {
    return this.#token;
  }
}

/**
 * What an SDK got from the accounts server and could not save: the only copy of it.
 *
 * @param exception what the SDK threw
 *
 * @example
 * const token = unsavedToken(exception);
 * if (token !== undefined) await store.saveToken(token);
 */
export function unsavedToken(exception: unknown): OAuthToken | undefined {
  let error: unknown = exception;
  while (error instanceof Error) {
    if (error instanceof ZohoSaveError) return error.token;
    // The JavaScript SDK hands the error on as the message of its own.
    error = error.cause ?? error.message;
  }
  return undefined;
}
