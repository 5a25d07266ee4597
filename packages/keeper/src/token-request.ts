import { InvalidTokenError } from '@tokenkeep/core';

/** How to ask for a token. */
export interface TokenRequest {
  /** Refresh it, however long it is good for. */
  readonly forceRefresh?: boolean | undefined;
  /** The access token that the API has refused: another one is given (contract R9). */
  readonly rejected?: string | undefined;
  /** Aborts this call; the refresh goes on for others who wait for it (contract R10). */
  readonly signal?: AbortSignal | undefined;
}

const NAMES: readonly string[] = ['forceRefresh', 'rejected', 'signal'];

/**
 * Who misspells `rejected` would get the very token that the API has refused.
 *
 * @throws InvalidTokenError
 */
export function requireTokenRequest(request: TokenRequest): void {
  if (typeof request !== 'object' || request === null) {
    throw new InvalidTokenError('request', 'must be an object such as { rejected: accessToken }');
  }
  for (const name of Object.keys(request)) {
    if (NAMES.includes(name)) continue;
    throw new InvalidTokenError(
      JSON.stringify(name),
      `is not part of a request: there is ${NAMES.join(', ')}`,
    );
  }
}
