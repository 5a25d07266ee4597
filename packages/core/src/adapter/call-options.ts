import { InvalidTokenError, quoted } from '../errors.ts';
import type { PlanOptions } from '../rules/save-plan.ts';
import type { ClearableField, DeleteOptions, SaveOptions } from '../store/token-store.ts';
import { checkString, isPlainObject } from '../token/field-checks.ts';
import { RECORD_FIELDS, type TokenRecord } from '../token/token-fields.ts';

/**
 * The id of a record, as an argument.
 *
 * @throws InvalidTokenError
 */
export function requireId(id: unknown): string {
  const checked = checkString('id', id);
  if (checked === undefined)
    throw new InvalidTokenError('id', 'is missing: give the id of a record');
  return checked;
}

/**
 * @param token the fields that are saved: none of them may be cleared as well
 * @throws InvalidTokenError
 */
export function requireSaveOptions(given: unknown, token: TokenRecord): PlanOptions {
  const options = requireOptions<SaveOptions>(given, ['ifVersion', 'ifExists', 'clear']);
  const { ifExists, clear } = options;
  if (ifExists !== undefined && typeof ifExists !== 'boolean') {
    throw new InvalidTokenError('ifExists', 'must be true or false');
  }
  return {
    ifVersion: versionIn(options, 0),
    ifExists,
    clear: clear === undefined ? undefined : requireClear(clear, token),
  };
}

/** @throws InvalidTokenError */
export function requireDeleteOptions(given: unknown): number | undefined {
  return versionIn(requireOptions<DeleteOptions>(given, ['ifVersion']), 1);
}

function requireOptions<Options extends object>(
  given: unknown,
  known: readonly (keyof Options & string)[],
): Options {
  if (given === undefined) return {} as Options;
  if (!isPlainObject(given))
    throw new InvalidTokenError('options', 'must be an object such as { ifVersion: 3 }');
  for (const name of Object.keys(given)) {
    if ((known as readonly string[]).includes(name)) continue;
    throw new InvalidTokenError(quoted(name), `is not an option: there is ${known.join(', ')}`);
  }
  return given as Options;
}

function versionIn(options: { ifVersion?: unknown }, least: number): number | undefined {
  if (!('ifVersion' in options)) return undefined;
  const { ifVersion } = options;
  // An undefined version means that the caller never read the record: ignoring it would overwrite.
  if (typeof ifVersion !== 'number' || !Number.isSafeInteger(ifVersion) || ifVersion < least) {
    const none = least === 0 ? ', or 0 for none' : '';
    throw new InvalidTokenError(
      'ifVersion',
      `must be the version of a record${none}; leave it out to take any`,
    );
  }
  return ifVersion;
}

function requireClear(clear: unknown, token: TokenRecord): (keyof TokenRecord)[] {
  if (!Array.isArray(clear))
    throw new InvalidTokenError('clear', "must be a list of fields, such as ['refreshToken']");
  return clear.map((name: unknown) => {
    if (!isClearable(name)) {
      throw new InvalidTokenError(
        'clear',
        'names something that is no field of a token, or can not be made absent (id, version)',
      );
    }
    const field = name === 'userSignature' ? 'userName' : name;
    if (token[field] != null) {
      throw new InvalidTokenError(
        'clear',
        `names ${name}, which the token has: leave it out of one of them`,
      );
    }
    return field;
  });
}

/** Every field that a record can be without. */
export const CLEARABLE_FIELDS: readonly ClearableField[] = RECORD_FIELDS.flatMap((field) => {
  if (field === 'id' || field === 'version') return [];
  return [field === 'userName' ? 'userSignature' : field];
});

function isClearable(name: unknown): name is ClearableField {
  return (CLEARABLE_FIELDS as readonly unknown[]).includes(name);
}
