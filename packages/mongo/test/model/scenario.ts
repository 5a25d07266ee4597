import {
  type ClearableField,
  OAuthToken,
  type StoredRecord,
  type TokenInit,
  type TokenRecord,
  type TokenStore,
  TokenStoreError,
} from '@tokenkeep/core';
import { StorageTokenStore } from '@tokenkeep/core/adapter';
import { digestedKeysOf, type Engine, OptimisticStorage } from '@tokenkeep/core/adapter/server';
import { keysOf, matchesOn } from '@tokenkeep/core/rules';
import { ListTokenStore } from '@tokenkeep/list';
import { DocumentEngine } from '../../src/document-engine.ts';
import { type MongoEntry, recordIn } from '../../src/documents.ts';
import { type Fault, ModelDatabase, ModelDocuments, type Reading } from './model-documents.ts';
import { type Choose, runInTurns } from './schedule.ts';

/** Something that a client does. */
export type Action =
  | { save: TokenInit; ifVersion?: number; ifExists?: boolean; clear?: readonly ClearableField[] }
  | { find: TokenInit }
  /** `getTokens`, with ids of records that are there all the time: each has to come once. */
  | { list: readonly string[] }
  | { delete: string; ifVersion?: number }
  /** `deleteTokens`, with the ids of the records that there are before. */
  | { clear: readonly string[] };

export interface Scenario {
  /** What is done before the clients start. */
  readonly before?: readonly Action[];
  /** What each client does, one after the other. */
  readonly clients: readonly (readonly Action[])[];
  readonly reading?: Reading;
  /** How often a client is put aside for another, at most, where every order is tried. Default 2. */
  readonly preemptions?: number;
  /** After so many of its steps the first client is gone; what it was answered does not count. */
  readonly firstStopsAfter?: number;
  /** Is called if the first client was gone before it was done. */
  readonly onStopped?: () => void;
}

/** Every outcome that some order of the actions, one at a time, could have had. */
export async function serialOutcomes(scenario: Scenario): Promise<Set<string>> {
  const [first = [], ...others] = scenario.clients;
  const cases = [scenario.clients];
  if (scenario.firstStopsAfter !== undefined) {
    cases.push(...first.map((_, done) => [first.slice(0, done), ...others]));
  }
  // Records are deleted one by one.
  cases.push(...cases.flatMap(withSingleDeletes));
  const outcomes = new Set<string>();
  for (const clients of cases) {
    for (const each of await outcomesOf(scenario, clients)) outcomes.add(each);
  }
  return outcomes;
}

function withSingleDeletes(clients: Scenario['clients']): Action[][][] {
  return [1, -1].map((direction) =>
    clients.map((actions) =>
      actions.flatMap((action): Action[] => {
        if (!('clear' in action)) return [action];
        return action.clear
          .toSorted((a, b) => direction * (a < b ? -1 : 1))
          .map((id) => ({ delete: id }));
      }),
    ),
  );
}

async function outcomesOf(scenario: Scenario, clients: Scenario['clients']): Promise<Set<string>> {
  const outcomes = new Set<string>();
  for (const order of ordersOf(clients.map((actions) => actions.length))) {
    const records: StoredRecord[] = [];
    const store = new ListTokenStore({ records });
    for (const action of scenario.before ?? []) await answerTo(store, action);
    const answers: unknown[][] = clients.map(() => []);
    const left = clients.map((actions) => [...actions]);
    for (const client of order) {
      const action = left[client]?.shift();
      if (action !== undefined) answers[client]?.push(await answerTo(store, action));
    }
    outcomes.add(outcome(scenario, answers, records));
  }
  return outcomes;
}

/** How many documents there are after some actions, one at a time. */
export async function documentsAfter(actions: readonly Action[]): Promise<number> {
  const database = new ModelDatabase();
  const documents = new ModelDocuments(database, async () => {}, 'at one moment');
  const store = storeOn(documents);
  for (const action of actions) await answerTo(store, action);
  return database.documents.size;
}

/**
 * Runs a scenario in one order of steps.
 *
 * @param fault what is left out
 * @returns its outcome, to be looked for among the {@link serialOutcomes}
 * @throws Error if at any moment two records that agree had the same key
 */
export async function runScenario(
  scenario: Scenario,
  choose: Choose,
  fault?: Fault,
): Promise<string> {
  const database = new ModelDatabase(fault);
  const connect = (turn: () => Promise<void>) =>
    storeOn(new ModelDocuments(database, turn, scenario.reading ?? 'at one moment'));
  const alone = connect(async () => {});
  for (const action of scenario.before ?? []) await answerTo(alone, action);
  const answers: unknown[][] = scenario.clients.map(() => []);
  const clients = scenario.clients.map((actions, index) => ({
    stopsAfter: index === 0 ? scenario.firstStopsAfter : undefined,
    work: async (turn: () => Promise<void>) => {
      const store = connect(turn);
      for (const action of actions) answers[index]?.push(await answerTo(store, action));
    },
  }));
  const isStopped = await runInTurns(clients, choose, () => {
    refuseTwins(database);
    refuseUnclaimed(database);
  });
  if (isStopped) scenario.onStopped?.();
  const records = (await alone.getTokens()).map((token) => token.toRecord());
  // What is left over is in nobody's way.
  for (const action of scenario.clients.flat()) {
    await answerTo(alone, action);
    refuseTwins(database);
  }
  await alone.deleteTokens();
  if (database.documents.size > 0) throw new Error('something is left after deleteTokens');
  return outcome(scenario, answers, records);
}

class ModelEngine extends DocumentEngine implements Engine<MongoEntry> {
  open(): void {}
  close(): void {}
  translateError(): undefined {}
}

function storeOn(documents: ModelDocuments): StorageTokenStore {
  return new StorageTokenStore(new OptimisticStorage(new ModelEngine(documents, 0)));
}

async function answerTo(store: TokenStore, action: Action): Promise<unknown> {
  try {
    if ('save' in action) {
      const { save, ...options } = action;
      return comparable((await store.saveToken(new OAuthToken(save), options)).toRecord());
    }
    if ('find' in action) {
      const found = await store.findToken(new OAuthToken(action.find));
      return found && comparable(found.toRecord());
    }
    if ('delete' in action) {
      const { delete: id, ...options } = action;
      return await store.deleteToken(id, options);
    }
    if ('list' in action) {
      const listed = (await store.getTokens()).map(({ id }) => id);
      if (new Set(listed).size < listed.length) throw new Error('a record is listed twice');
      return action.list.map((id) => listed.filter((each) => each === id).length);
    }
    return await store.deleteTokens();
  } catch (error) {
    // A fault of the model or of the code is not an answer.
    if (!(error instanceof TokenStoreError) || error.code === 'STORAGE_FAILED') throw error;
    return error.code;
  }
}

/**
 * The record as text, without an id that a store made up. One that was given an id may have been
 * there before, and its version is then above the highest of any that was deleted or nearly: see
 * `ModelDatabase` for what is asked of it.
 */
function comparable({ id, version, ...rest }: TokenRecord): string {
  const named = id != null && id.length < 32;
  return JSON.stringify(
    Object.entries({ ...rest, ...(named ? { id } : { version }) })
      .filter(([, value]) => value != null)
      .sort(),
  );
}

function outcome(
  scenario: Scenario,
  answers: readonly unknown[][],
  records: readonly TokenRecord[],
): string {
  const counting = scenario.firstStopsAfter === undefined ? answers : answers.slice(1);
  const given = counting.map((each) => each.filter((answer) => answer !== undefined));
  return JSON.stringify({ answers: given, records: records.map(comparable).sort() }, null, 1);
}

/** Throws where a key of a record is not claimed: whoever once saw that nobody has it could take it. */
function refuseUnclaimed(database: ModelDatabase): void {
  const claimed = new Set([...database.documents.values()].flatMap(({ claims }) => claims));
  for (const record of recordsOf(database)) {
    if (!digestedKeysOf(record).every(({ digest }) => claimed.has(digest))) {
      throw new Error('a key of a record is free for all');
    }
  }
}

function recordsOf(database: ModelDatabase): StoredRecord[] {
  return database.tokens().flatMap(({ record }) => recordIn(record) ?? []);
}

/** Throws where two records agree and have the same key (contract M2, C5). */
function refuseTwins(database: ModelDatabase): void {
  const records = recordsOf(database);
  for (const [index, one] of records.entries()) {
    for (const other of records.slice(index + 1)) {
      const shared = keysOf(one).find((key) => matchesOn(key, one, other));
      if (shared !== undefined) throw new Error(`two records have the same ${shared.field}`);
    }
  }
}

/** Every order of so many things of the first, so many of the second, ..., each in its own order. */
function ordersOf(counts: readonly number[]): number[][] {
  if (counts.every((count) => count === 0)) return [[]];
  return counts.flatMap((count, first) => {
    if (count === 0) return [];
    const rest = counts.map((each, index) => (index === first ? each - 1 : each));
    return ordersOf(rest).map((order) => [first, ...order]);
  });
}
