import { Gathering } from './gathering.ts';
import { type Fields, stateOf } from './record-field.ts';
import { ALL, CHECK, CLEAR, LOOK, type Script, WRITE } from './scripts.ts';

/** Sends one command and gives its reply. */
export type Call = (command: string, args: string[]) => Promise<unknown>;

/** What a save or a delete does to the hash, in one step. */
export interface Change {
  /** The same for whatever is sent of one save, however often; unlike that of any other. */
  readonly writer: string;
  /** The record to write, if any: the digest of its id, and its JSON. */
  readonly record?: { readonly digest: string; readonly json: string };
  /** What to look up anew where something changed. */
  readonly asked: readonly string[];
  /** What was decided on: all of it must still be so. */
  readonly seen: Fields;
  /** Records that go. */
  readonly removed: readonly string[];
  /** Keys that a record no longer has, each with the digest of that record's id. */
  readonly left: readonly (readonly [field: string, digest: string])[];
  /** Keys that the written record has from now on. */
  readonly joined: readonly string[];
}

/** The hash that a store is: each method is one script, and so one round trip and one step. */
export class TokenHash {
  readonly #call: Call;
  readonly #key: string;
  readonly #looks = new Gathering(async (asked) => fieldsIn(asked, await this.#run(LOOK, asked)));
  readonly #reads = new Gathering(async (names) => {
    const reply = await this.#call('hmget', [this.#key, 'format', ...names]);
    if (!Array.isArray(reply) || reply[0] !== '1') return undefined;
    return fieldsIn(names, reply.slice(1));
  });

  constructor(call: Call, key: string) {
    this.#call = call;
    this.#key = key;
  }

  /** @returns the fields asked for, and each record that they lead to; perhaps others, too */
  look(asked: readonly string[]): Promise<Fields> {
    return this.#looks.ask(asked);
  }

  /**
   * Reads fields without following where they lead: what a find needs that knows it already.
   *
   * @returns the fields, perhaps others, too; `undefined` if there is no store of this version, or
   *   none yet
   */
  read(names: readonly string[]): Promise<Fields | undefined> {
    return this.#reads.ask(names);
  }

  /**
   * @returns the head of the record as it is now (`''` if there is none, or it had been written
   *   already); or, where something is no longer as it was seen, what there is instead
   */
  async write(change: Change): Promise<string | Fields> {
    const { writer, record, asked, seen, left, joined, removed } = change;
    const numbers = new Map<string, number>();
    const numberOf = (field: string) => {
      let number = numbers.get(field);
      if (number === undefined) {
        number = numbers.size + 1;
        numbers.set(field, number);
      }
      return number;
    };
    for (const field of asked) numberOf(field);
    for (const field of seen.keys()) numberOf(field);
    const written = record === undefined ? 0 : numberOf(`record:${record.digest}`);
    const changes: string[] = [];
    for (const [field, digest] of left) {
      changes.push(`-${numberOf(field)}${digest === record?.digest ? '' : ` ${digest}`}`);
    }
    for (const field of joined) changes.push(`+${numberOf(field)}`);
    for (const field of removed) changes.push(`x${numberOf(field)}`);
    const states: string[] = [];
    for (const field of numbers.keys()) {
      const value = seen.get(field);
      states.push(
        value === undefined ? '*' : value === record?.digest ? '=' : `:${stateOf(value)}`,
      );
    }
    const reply = await this.#run(WRITE, [
      writer,
      record?.json ?? '',
      `${asked.length}`,
      `${numbers.size}`,
      `${written}`,
      ...numbers.keys(),
      ...states,
      ...changes,
    ]);
    return typeof reply === 'string' ? reply : fieldsIn(change.asked, reply);
  }

  /** @returns every record, by its field */
  async all(): Promise<Fields> {
    return fieldsIn([], await this.#run(ALL, []));
  }

  async clear(): Promise<void> {
    await this.#run(CLEAR, []);
  }

  /**
   * See that the key is free or ours, and that scripts may be run.
   *
   * @returns the server's `maxmemory-policy`, or `''`
   */
  async check(): Promise<string> {
    return String(await this.#run(CHECK, []));
  }

  /** By digest; a server that was restarted, or forgot its scripts, is told the script again. */
  async #run(script: Script, args: readonly string[]): Promise<unknown> {
    try {
      return await this.#call('evalsha', [script.sha, '1', this.#key, ...args]);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    }
    return this.#call('eval', [script.text, '1', this.#key, ...args]);
  }
}

function fieldsIn(asked: readonly string[], reply: unknown): Fields {
  if (!Array.isArray(reply)) throw new Error('the reply is no list');
  const values: unknown[] = reply;
  const fields = new Map<string, string>();
  const set = (field: unknown, value: unknown) =>
    fields.set(String(field), typeof value === 'string' ? value : '');
  for (const [index, field] of asked.entries()) set(field, values[index]);
  for (let at = asked.length; at < values.length; at += 2) set(values[at], values[at + 1]);
  return fields;
}
