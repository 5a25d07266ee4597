import type { OAuthToken } from '@tokenkeep/core';
import type { TokenRequest } from './token-request.ts';

/** As the global `fetch`. */
export type FetchWithToken = typeof fetch;

/** Sends a token with each request, and once more what was answered with 401 (contract R9). */
export function fetchWith(
  tokenFor: (request: TokenRequest) => Promise<OAuthToken>,
  authorization: (token: OAuthToken) => string = bearer,
): FetchWithToken {
  return async (input, init) => {
    const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
    const send = (token: OAuthToken): Promise<Response> => {
      const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : {}));
      headers.set('authorization', authorization(token));
      return fetch(input, { ...init, headers });
    };
    const token = await tokenFor({ signal });
    const response = await send(token);
    if (response.status !== 401 || !canBeSentAgain(input, init?.body)) return response;
    const other = await tokenFor({ rejected: token.accessToken, signal });
    if (other.accessToken === token.accessToken) return response;
    // Unread, it would keep its connection.
    await response.body?.cancel();
    return await send(other);
  };
}

/** Whether a body is still there after it was sent once. */
function canBeSentAgain(input: unknown, body: unknown): boolean {
  if (body === undefined || body === null)
    return !(input instanceof Request) || input.body === null;
  return (
    typeof body === 'string' ||
    body instanceof URLSearchParams ||
    body instanceof FormData ||
    body instanceof Blob ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body)
  );
}

function bearer({ tokenType, accessToken }: OAuthToken): string {
  // RFC 6749 section 7.1 has its letters in either case; servers want RFC 6750's.
  const type = tokenType === undefined || /^bearer$/i.test(tokenType) ? 'Bearer' : tokenType;
  return `${type} ${accessToken}`;
}
