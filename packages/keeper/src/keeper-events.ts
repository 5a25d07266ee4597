import { channel } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
import type { RefreshFailedError, TokenNotSavedError, Whose } from './errors.ts';

/** What a keeper tells; no event has a secret in it. */
export interface TokenKeeperEvents {
  /** A refresh of this process has been stored. */
  refreshed: [
    event: Whose & { readonly expiresAt: number | undefined; readonly milliseconds: number },
  ];
  refreshFailed: [event: Whose & { readonly error: RefreshFailedError | TokenNotSavedError }];
  /** The provider has refused a refresh token for good; told once, by the process that found out. */
  reauthorizationRequired: [event: Whose & { readonly oauthError: string }];
}

/**
 * Tells an event, and on the channel `tokenkeep.keeper.<name>` of `node:diagnostics_channel` to those
 * who trace. What a listener throws fails no refresh: it is thrown where nothing else is running.
 */
export function tell<Name extends keyof TokenKeeperEvents>(
  emitter: EventEmitter<TokenKeeperEvents>,
  name: Name,
  event: TokenKeeperEvents[Name][0],
): void {
  channel(`tokenkeep.keeper.${name}`).publish(event);
  try {
    (emitter as EventEmitter).emit(name, event);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
