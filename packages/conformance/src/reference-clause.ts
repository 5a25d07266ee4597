import type { Call } from './calls.ts';
import type { ClauseId } from './clauses.ts';
import { isPlainRecord, type PlainRecord } from './expectations.ts';

/** The clauses that a random sequence of calls can find broken. */
export const SEQUENCE_CLAUSES: readonly ClauseId[] = [
  'M1',
  'M2',
  'M3',
  'M4',
  'C1',
  'C2',
  'C3',
  'C4',
  'C5',
  'C7',
  'C8',
  'C9',
  'C10',
  'C11',
  'C18',
];
/** Those that it can find broken besides where saves are bound to versions. */
export const VERSION_CLAUSES: readonly ClauseId[] = ['V1', 'V2', 'V4', 'V5'];

/** What a save is refused for, and the clause that says so. */
const REFUSALS: Readonly<Record<string, ClauseId>> = {
  AMBIGUOUS_TOKEN: 'M4',
  TOKEN_CONFLICT: 'C7',
  VERSION_CONFLICT: 'V2',
  INVALID_TOKEN: 'C4',
};

/** The clause that is broken where a call ended in another way than it has to. */
export function clauseOfOutcome(call: Call, wanted: unknown, got: unknown): ClauseId {
  if (call.method === 'deleteToken' && (refusedWith(wanted) ?? refusedWith(got))) return 'V4';
  if (
    call.method === 'saveToken' &&
    call.options?.ifExists === true &&
    call.options.ifVersion === undefined
  ) {
    if ([wanted, got].some((one) => refusedWith(one) === 'VERSION_CONFLICT')) return 'V5';
  }
  const refusal = REFUSALS[refusedWith(wanted) ?? ''] ?? REFUSALS[refusedWith(got) ?? ''];
  if (refusal !== undefined) return refusal;
  switch (call.method) {
    case 'findToken':
      return clauseOfFind(wanted, got);
    case 'findTokenById':
      return 'C2';
    case 'saveToken':
      return clauseOfSave(call, wanted);
    case 'deleteToken':
      return 'C9';
    case 'getTokens':
      return 'C10';
    case 'tokens':
      return 'I1';
    case 'deleteTokens':
      return 'C11';
  }
}

function clauseOfSave({ options }: Call & { method: 'saveToken' }, wanted: unknown): ClauseId {
  if ((options?.clear?.length ?? 0) > 0) return 'C18';
  return isPlainRecord(wanted) && Number(wanted['version']) > 1 ? 'C3' : 'C4';
}

function clauseOfFind(wanted: unknown, got: unknown): ClauseId {
  if (!isPlainRecord(wanted)) return isPlainRecord(got) ? 'M2' : 'C1';
  if (!isPlainRecord(got)) return 'M1';
  return got['id'] === wanted['id'] ? 'C1' : 'M1';
}

/** The clause that is broken where the list after a call is another one than it has to be. */
export function clauseOfList(call: Call, wanted: readonly PlainRecord[], got: unknown): ClauseId {
  const listed = Array.isArray(got) ? got.filter(isPlainRecord) : undefined;
  if (listed === undefined) return 'C10';
  const ids = (records: readonly PlainRecord[]): string =>
    records
      .map(({ id }) => String(id))
      .toSorted()
      .join();
  const isOtherOrder =
    ids(listed) === ids(wanted) && listed.some((one, at) => one['id'] !== wanted[at]?.['id']);
  if (isOtherOrder) return call.method === 'tokens' ? 'I1' : 'C10';
  switch (call.method) {
    case 'saveToken':
      return listed.length === wanted.length ? 'C3' : 'C5';
    case 'deleteToken':
      return 'C9';
    case 'deleteTokens':
      return 'C11';
    case 'findToken':
      return 'C1';
    case 'findTokenById':
      return 'C2';
    case 'getTokens':
      return 'C10';
    case 'tokens':
      return 'I1';
  }
}

function refusedWith(outcome: unknown): string | undefined {
  return isPlainRecord(outcome) && typeof outcome['refused'] === 'string'
    ? outcome['refused']
    : undefined;
}
