import type { MadeCall } from './calls.ts';
import { firstLine } from './failure-cause.ts';
import { show } from './show.ts';

/** One call of a store, as it was made and as it ended. */
export interface JournalEntry {
  /** Which handle, such as `store` or `store 2`. */
  readonly handle: string;
  readonly method: string;
  readonly args: readonly unknown[];
  outcome?: { readonly value: unknown } | { readonly error: unknown };
}

const LONGEST = 12;
const WIDEST = 160;

/** The calls that a check made, the last of them at least: what a report says was done. */
export class Journal {
  readonly #entries: JournalEntry[] = [];
  #before = 0;

  /** Notes a call; its outcome is put into the entry when it is known. */
  add(handle: string, method: string, args: readonly unknown[]): JournalEntry {
    const entry: JournalEntry = { handle, method, args };
    this.#entries.push(entry);
    // The start of a check with thousands of calls tells nobody anything.
    if (this.#entries.length > 4 * LONGEST) {
      this.#before += this.#entries.splice(0, 2 * LONGEST).length;
    }
    return entry;
  }

  /** Notes a call that another process made. */
  addMade(handle: string, { call, outcome }: MadeCall): void {
    const { method, ...args } = call;
    const entry = this.add(handle, method, Object.values(args));
    entry.outcome =
      outcome.refused === undefined ? { value: outcome.value } : { error: outcome.text };
  }

  /** A line for each of the last calls, oldest first. */
  lines(): string[] {
    const shown = this.#entries.slice(-LONGEST);
    const left = this.#before + this.#entries.length - shown.length;
    return [...(left > 0 ? [`(${left} calls before)`] : []), ...shown.map(line)];
  }
}

function line(entry: JournalEntry): string {
  const { handle, method, args, outcome } = entry;
  const call = `${handle}.${method}(${args.map((arg) => cut(show(arg))).join(', ')})`;
  if (outcome === undefined) return `${call}  ... not settled`;
  if ('error' in outcome) return `${call}  rejected: ${firstLine(outcome.error)}`;
  return outcome.value === undefined ? call : `${call}  gave ${cut(show(outcome.value))}`;
}

function cut(text: string): string {
  return text.length <= WIDEST ? text : `${text.slice(0, WIDEST)} ...`;
}
