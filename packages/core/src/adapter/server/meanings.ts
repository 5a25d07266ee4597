import { ERROR_CODES, TokenStoreError, type TokenStoreErrorCode } from '../../errors.ts';
import { connectionFailed, inBrackets, timedOut } from './connection.ts';

/**
 * What a driver's codes, or the names of its errors, mean. A pattern of a regular expression stands
 * for those that it matches from beginning to end. Without advice, `ERROR_CODES` says what to do.
 */
export type Meanings = Readonly<
  Record<string, readonly [code: TokenStoreErrorCode, advice?: string]>
>;

/**
 * The error that a driver's code or name stands for; `undefined` where it is not among the meanings.
 *
 * @param place where the tokens are, such as `db.example:6379`, for the message; empty if not known
 * @param known what is looked up, if it is not the code: an error may have a text only, which is not shown
 */
export function meaningOf(
  meanings: Meanings,
  driverCode: string | number | undefined,
  place: string,
  known: string | number | undefined = driverCode,
): TokenStoreError | undefined {
  if (known === undefined) return undefined;
  for (const [pattern, [code, advice]] of Object.entries(meanings)) {
    if (!new RegExp(`^(?:${pattern})$`, 's').test(`${known}`)) continue;
    if (advice === undefined && code === 'TIMEOUT') return timedOut(place, driverCode);
    if (advice === undefined && code === 'CONNECTION_FAILED') {
      return connectionFailed(place, driverCode);
    }
    return new TokenStoreError(code, (advice ?? ERROR_CODES[code]) + inBrackets(place), {
      driverCode,
    });
  }
  return undefined;
}
