/**
 * What each clause of the contract promises, in one sentence. The whole text is in the project's
 * `docs/contract.md`.
 */
const PROMISES = {
  T1: 'A token holds the fields of the contract, each of which may be absent.',
  T2: 'A token never changes.',
  T3: 'null, undefined and "" all mean absent.',
  T4: 'Strings are kept and compared exactly, up to 64 KiB of UTF-8 a field.',
  T5: 'Keys are strings and nothing else.',
  T6: 'Secrets do not leave a token by accident.',
  T7: 'What redaction prints is never taken for a value.',
  T8: 'Seconds are not taken for milliseconds.',
  T9: 'Two tokens are told apart, without a secret being shown.',
  M1: 'The first key, in the order of the contract, for which some record has the same value decides.',
  M2: 'A match never crosses users, clients, issuers or resources.',
  M3: 'A token without a key matches nothing.',
  M4: 'Where several records match on a key, nothing is guessed: AMBIGUOUS_TOKEN, and nothing changes.',
  M5: 'Keys are data: special characters match themselves and nothing else.',
  C1: 'findToken gives the whole record that matches, or null, and changes nothing.',
  C2: 'findTokenById gives the record with that id, or null.',
  C3: 'A save of a known token replaces what it has, keeps what it lacks, and keeps the id; an expiry goes with its access token, and extra is merged by name.',
  C4: 'A save of an unknown token adds one record; with no token and no extra in it, it is refused.',
  C5: 'After a save no other record matches the token on any of its keys.',
  C6: 'saveToken gives the record as it is stored, with its id.',
  C7: 'An explicit id with a user name that another record has is refused, and nothing changes.',
  C8: 'New ids can not be guessed, are unique, and are never given again.',
  C9: 'deleteToken removes the record with exactly that id; where there is none it does nothing.',
  C10: 'getTokens gives every record once, in the order in which they were first saved.',
  C11: 'deleteTokens removes every record, and nothing else.',
  C12: 'What a store gives out is a snapshot.',
  C13: 'A read sees every save that was acknowledged before it, through any handle.',
  C14: 'A failure rejects with a TokenStoreError without a secret in it, and blocks nothing.',
  C15: 'A save that failed leaves the old record or the new one, whole.',
  C16: 'Stores of different names never see each other.',
  C17: 'close can be called twice, lets calls in flight finish, and later calls reject.',
  C18: 'clear makes the named fields absent, in the same step.',
  C19: 'No record goes by itself: not by age, by an expiry, by being left alone, or because there are many.',
  C20: 'Nothing that a store does depends on the clock: neither the order nor which save wins.',
  A1: 'Concurrent saves for one user, or one token, leave one record, and none of them fails.',
  A2: 'That record is what some order of the saves would have left.',
  A3: 'Concurrent saves for different users lose none.',
  A4: 'A concurrent reader sees a record before or after a save, never half of it, never none.',
  A5: 'deleteTokens at the same time as saves leaves each record whole or gone.',
  A6: 'No call stops the event loop for more than 100 ms, or keeps another waiting by removing all.',
  V1: 'Every record has a version from 1 that grows with each save, and never comes again for an id.',
  V2: 'ifVersion saves only over that version; 0 only adds.',
  V3: 'Of concurrent saves with one ifVersion exactly one succeeds.',
  V4: 'deleteToken with ifVersion removes the record only if it has that version.',
  V5: 'ifExists updates and never adds.',
  D1: 'What was acknowledged is there after closing and opening again.',
  D2: 'What was acknowledged is there after SIGKILL at any moment.',
  D3: 'A save that was not acknowledged is there whole or not at all.',
  S1: 'The promises about concurrency hold across processes.',
  S2: 'Two processes may open an empty storage for the first time at once.',
  I1: 'tokens() gives every record, in the order of getTokens, in memory that does not grow with their number, without keeping others waiting.',
  I2: 'A record that is there all the time comes once and only once, whatever is saved or deleted meanwhile.',
} as const;

/** The number of a clause, such as `M2`. */
export type ClauseId = keyof typeof PROMISES;

/** What each clause promises, in one sentence. */
export const CLAUSES: Readonly<Record<ClauseId, string>> = PROMISES;

/** Every clause, in the order of the contract. */
export const CLAUSE_IDS: readonly ClauseId[] = Object.keys(CLAUSES).filter(isClauseId);

/** A capability that a store may declare, or declare missing. */
export type Capability = 'versions' | 'durable' | 'shared' | 'iterable';

/** Every capability, in the order of their groups. */
export const CAPABILITIES: readonly Capability[] = ['versions', 'durable', 'shared', 'iterable'];

const CAPABILITY_BY_GROUP: Readonly<Record<string, Capability>> = {
  V: 'versions',
  D: 'durable',
  S: 'shared',
  I: 'iterable',
};

/** What a store has to declare to be bound by a clause; `undefined` where every store is bound. */
export function capabilityOf(clause: ClauseId): Capability | undefined {
  return CAPABILITY_BY_GROUP[clause.slice(0, 1)];
}

/** Where a clause stands in full. */
export function addressOf(clause: ClauseId): string {
  return `https://github.com/tokenkeep/tokenkeep/blob/main/docs/contract.md#${clause.toLowerCase()}`;
}

/** Whether a text is the number of a clause. */
export function isClauseId(text: string): text is ClauseId {
  return Object.hasOwn(CLAUSES, text);
}

/** What no check of the kit can see, by clause: said in every report. */
export const LIMITS: Readonly<Partial<Record<ClauseId, string>>> = {
  C8: 'Whether ids can be guessed is judged by how much they vary; a bad source of randomness may look good.',
  C11: 'Whether deleteTokens is one step is not tested: a process killed in the middle of it is not provoked.',
  C14: 'Failures of the driver are provoked only where the definition can damage a place.',
  C15: 'A save that is interrupted is tested under D3, with processes that are killed.',
};
