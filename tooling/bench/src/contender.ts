import type { OAuthToken } from '@tokenkeep/core';

/** One call, with all that it is given made before. */
export type Call = () => unknown;

/** What is measured. */
export const OPERATIONS = {
  findByUser: 'find by user',
  findByRefreshToken: 'find by refresh token',
  saveExisting: 'save of an existing user',
  saveNew: 'save of a new user',
} as const;

export type Operation = keyof typeof OPERATIONS;

/** What changes nothing, so that it can be done as often as one likes. */
export function isFind(operation: Operation): boolean {
  return operation.startsWith('find');
}

/** Something that keeps tokens, filled and ready. */
export interface Runner {
  /** Makes ready a call; `turn` is another number each time. What it can't do is left out. */
  readonly calls: Readonly<Partial<Record<Operation, (turn: number) => Call>>>;
  close(): unknown;
}

/** Something to measure: to add one, write a file like those beside this one, and name it in `contenders/index.ts`. */
export interface Contender {
  readonly name: string;
  /** What it is compared with. Default: bare statements of better-sqlite3. */
  readonly bare?: Contender;
  /** Other stores that do a part of its work, at the smallest of the sizes. */
  readonly peers?: readonly Contender[];
  /** With how many records. Default: 1,000 and 100,000. */
  readonly sizes?: readonly number[];
  /** @param folder an empty one of its own; @param tokens the tokens to be filled with */
  setUp(folder: string, tokens: readonly OAuthToken[]): Promise<Runner>;
}
