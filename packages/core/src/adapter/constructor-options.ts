import { invalidOption, quoted, TokenStoreError } from '../errors.ts';
import { isPlainObject } from '../token/field-checks.ts';

/**
 * Refuses what is no options object, and options that the constructor does not know: one that was
 * mistyped would be ignored, and tokens go to the default.
 *
 * @param store the name of the class, for the message
 * @param known the names of the options
 * @param example what to give, for the message, such as `{ path: './tokens.db' }`
 * @throws TokenStoreError `INVALID_OPTION`
 */
export function requireKnownOptions(
  store: string,
  options: unknown,
  known: readonly string[],
  example: string,
): void {
  if (!isPlainObject(options)) {
    throw new TokenStoreError(
      'INVALID_OPTION',
      `${store} takes an object of options, such as ${example}.`,
      { operation: 'constructor' },
    );
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw invalidOption(quoted(name), `is not one of ${store}: there is ${known.join(', ')}`);
  }
}

/**
 * The option `timeout`: milliseconds.
 *
 * @throws TokenStoreError `INVALID_OPTION`
 */
export function requireTimeout(timeout: unknown, least = 1): number {
  // What is longer, a timer of Node takes for nothing.
  if (
    typeof timeout !== 'number' ||
    !Number.isSafeInteger(timeout) ||
    timeout < least ||
    timeout >= 2 ** 31
  ) {
    throw invalidOption(
      'timeout',
      `must be a whole number of milliseconds, ${least} to 2,147,483,647`,
    );
  }
  return timeout;
}

/**
 * The name of a table or a schema. Lower case only: so it needs no quotes, and some file systems
 * can't tell `Tokens` from `tokens` (contract C16).
 *
 * @param reserved what it must not match
 * @param most how long it may be
 * @throws TokenStoreError `INVALID_OPTION`
 */
export function requireTableName(
  option: string,
  name: unknown,
  reserved: RegExp,
  most = 48,
): string {
  const isName = typeof name === 'string' && /^[a-z_][a-z0-9_]*$/.test(name);
  if (!isName || name.length > most || reserved.test(name)) {
    throw invalidOption(
      option,
      `must be at most ${most} lower-case letters, digits and _, not begin with a digit and not match ${reserved}`,
    );
  }
  return name;
}

/**
 * The option `tls`.
 *
 * @param instead how to have it, for the message
 * @throws TokenStoreError `INVALID_OPTION`
 */
export function requireFalseIfGiven(tls: unknown, instead = 'TLS is the default'): void {
  if (tls !== undefined && tls !== false) {
    throw invalidOption('tls', `can only be false: ${instead}`);
  }
}

/**
 * Refuses options that can not be given together with another one.
 *
 * @throws TokenStoreError `INVALID_OPTION`
 */
export function refuseTogether<Options extends object>(
  options: Options,
  one: keyof Options & string,
  ...others: (keyof Options & string)[]
): void {
  const other = others.find((name) => options[name] !== undefined);
  if (options[one] === undefined || other === undefined) return;
  throw invalidOption(other, `is given together with ${one}: give one of them`);
}
