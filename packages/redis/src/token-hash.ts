import { Gathering } from './gathering.ts';
import { type Fields, stateOf } from './record-field.ts';
import { ALL, CHECK, CLEAR, LOOK, REPLACE, type Script, WRITE } from './scripts.ts';

/** Sends one command and gives its reply. */
export type Call = (command: string, args: string[]) => Promise<unknown>;

/** What a save or a delete does to the hash, in one step. */
export interface Change {
  /** Unlike that of any other change: it tells a change that is sent again. */
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

/** What a save does to one record that was seen before, and to nothing else. */
export interface Replacement {
  readonly digest: string;
  readonly field: string;
  /** Its value as it was seen, and as it shall be. */
  readonly seen: string;
  readonly value: string;
  /** Keys that it had and loses, has and keeps (of those asked for), gets: nobody else may have any. */
  readonly lost: readonly string[];
  readonly kept: readonly string[];
  readonly got: readonly string[];
}

/** The hash that a store is: each method is one command, and so one round trip and one step. */
export class TokenHash {
  readonly #call: Call;
  readonly #key: string;
  readonly #looks = new Gathering<readonly string[], Fields>(async (questions) => {
    const asked = questions.flat();
    const fields = fieldsIn(asked, listIn(await this.#run(LOOK, asked)));
    return questions.map(() => fields);
  });
  readonly #reads = new Gathering<readonly string[], readonly string[]>(async (questions) => {
    const values = await this.#get(questions.flat());
    let at = 0;
    return questions.map(({ length }) => {
      at += length;
      return values.slice(at - length, at);
    });
  });
  #isReading = false;
  readonly #replacements = this.#changes(REPLACE);
  readonly #writes = this.#changes(WRITE);

  constructor(call: Call, key: string) {
    this.#call = call;
    this.#key = key;
  }

  /** @returns the fields asked for, and each record that they lead to; perhaps others, too */
  look(asked: readonly string[]): Promise<Fields> {
    return this.#looks.add(asked);
  }

  /**
   * Reads fields without following where they lead: what a find needs that knows it already.
   *
   * @returns the value of each, `''` where there is none
   */
  read(names: readonly string[]): Promise<readonly string[]> {
    // Who reads while another does is made to wait for company; who is alone is not.
    if (this.#isReading) return this.#reads.add(names);
    this.#isReading = true;
    return this.#get(names);
  }

  /**
   * @returns whether it was written now, or had been already; or, where something is no longer as it
   *   was seen, the fields of the record and of its keys, and each record that they lead to
   */
  async replace(replacement: Replacement): Promise<'now' | 'before' | Fields> {
    const { digest, field, seen, value, lost, kept, got } = replacement;
    const counts = `${lost.length}${kept.length}${got.length}`;
    const args = [digest, stateOf(seen), counts, ...lost, field, ...kept, ...got, field, value];
    for (const key of got) args.push(key, digest);
    const reply = await this.#replacements.add(args);
    if (reply === 'now') return 'now';
    return reply === '' ? 'before' : fieldsIn([field, ...kept, ...got], listIn(reply));
  }

  /**
   * @returns the head of the record as it is now (`''` if there is none, or it had been written
   *   already); or, where something is no longer as it was seen, what there is instead
   */
  async write(change: Change): Promise<string | Fields> {
    const { writer, record, asked, seen, left, joined, removed } = change;
    const names = [...asked];
    const numberOf = (field: string): number => {
      const index = names.indexOf(field);
      return index === -1 ? names.push(field) : index + 1;
    };
    for (const field of seen.keys()) numberOf(field);
    const written = record === undefined ? 0 : numberOf(`record:${record.digest}`);
    const changes: string[] = [];
    for (const [field, digest] of left) {
      changes.push(`-${numberOf(field)}${digest === record?.digest ? '' : ` ${digest}`}`);
    }
    for (const field of joined) changes.push(`+${numberOf(field)}`);
    for (const field of removed) changes.push(`x${numberOf(field)}`);
    const states = names.map((field) => {
      const value = seen.get(field);
      if (value === undefined) return '*';
      return value === record?.digest ? '=' : `:${stateOf(value)}`;
    });
    const counts = [`${asked.length}`, `${names.length}`, `${written}`];
    const reply = await this.#writes.add([
      writer,
      record?.json ?? '',
      ...counts,
      ...names,
      ...states,
      ...changes,
    ]);
    return typeof reply === 'string' ? reply : fieldsIn(asked, listIn(reply));
  }

  /** @returns every record, by its field */
  async all(): Promise<Fields> {
    return fieldsIn([], listIn(await this.#run(ALL, [])));
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

  #changes(changing: Script): Gathering<readonly string[], unknown> {
    return new Gathering(async (changes) => {
      const args: string[] = [];
      for (const change of changes) args.push(`${change.length}`, ...change);
      return listIn(await this.#run(changing, args));
    });
  }

  #get(names: readonly string[]): Promise<readonly string[]> {
    return this.#call('hmget', [this.#key, ...names]).then(
      (reply) => {
        this.#isReading = false;
        return listIn(reply).map(textIn);
      },
      (error) => {
        this.#isReading = false;
        throw error;
      },
    );
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

function fieldsIn(asked: readonly string[], values: readonly unknown[]): Fields {
  const fields = new Map<string, string>();
  for (const [index, field] of asked.entries()) fields.set(field, textIn(values[index]));
  for (let at = asked.length; at < values.length; at += 2) {
    fields.set(textIn(values[at]), textIn(values[at + 1]));
  }
  return fields;
}

function listIn(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw new Error('the reply is no list');
  return reply;
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
