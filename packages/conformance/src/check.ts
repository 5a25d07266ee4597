import type { CheckContext } from './check-context.ts';
import type { ClauseId } from './clauses.ts';

/** One check of one clause: plain data, that any runner can run. */
export interface Check {
  readonly clause: ClauseId;
  /** Clauses besides its own that it may find broken: it runs where they are asked for, too. */
  readonly finds?: readonly ClauseId[];
  /** What must be true, as a sentence that goes on after the number of the clause. */
  readonly title: string;
  /** What goes wrong in a program whose store breaks this. */
  readonly why: string;
  /** How a store is usually put right. */
  readonly hint: string;
  /**
   * Throws `PromiseBroken` if the store breaks the clause, and `Untested` if that can't be told.
   */
  run(context: CheckContext): Promise<void>;
}
