import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import type { MadeCall } from './calls.ts';
import type { Place, TokenStoreDefinition } from './definition.ts';
import { causeOfError, codeOf, framesOf, placeOf, told } from './failure-cause.ts';
import { Journal } from './journal.ts';
import { onlyKept } from './kept-fields.ts';
import { leakIn } from './leaks.ts';
import { ObservedStore, type Observer } from './observed-store.ts';
import { PromiseBroken, SLOW, Untested } from './promise-broken.ts';
import { randomFrom } from './random.ts';
import { fullRoundsOf, roundsOf, type Settings } from './settings.ts';
import { spareProcesses } from './spare-processes.ts';
import { StoreProcess } from './store-process.ts';

/** Something that no check looks for and every check may come across. */
export interface Observation {
  readonly clause: 'C14' | 'T6';
  readonly expected: string;
  readonly actual: string;
  readonly done: readonly string[];
  readonly cause?: string;
  readonly where?: string;
  readonly hint?: string;
}

/** What a failure may say that it comes from. */
const OPERATIONS: readonly unknown[] = [
  'findToken',
  'findTokenById',
  'saveToken',
  'deleteToken',
  'getTokens',
  'tokens',
  'deleteTokens',
];
/** How many secrets every failure is searched for. */
const RECENT = 500;
/** How long closing and destroying may take before it is given up: milliseconds. */
const CLEAN_UP_LIMIT = 5_000;

/**
 * What a check works with: places, handles on them, other processes, values that are used nowhere
 * else. All of it is closed and destroyed when the check has ended, however it ended.
 */
export class CheckContext implements Observer, AsyncDisposable {
  readonly definition: TokenStoreDefinition;
  readonly settings: Settings;
  readonly random: () => number;
  readonly journal: Journal = new Journal();
  /** Every secret that was made up so far. */
  readonly secrets: Set<string>;
  readonly observations: Observation[];
  /** What the pace of the store left out of this check. */
  readonly leftOut: Set<string>;
  /** Whether a call did not settle. */
  hasHung = false;
  readonly #parent: CheckContext | undefined;
  #isOver = false;
  readonly #prefix: string;
  #values = 0;
  #handles = 0;
  #mainPlace: Promise<Place> | undefined;
  readonly #places: Place[] = [];
  readonly #stores = new Map<ObservedStore, string>();
  readonly #processes: StoreProcess[] = [];
  #processNames = 0;

  constructor(definition: TokenStoreDefinition, settings: Settings, parent?: CheckContext) {
    this.definition = definition;
    this.settings = settings;
    this.#parent = parent;
    this.random = parent?.random ?? randomFrom(settings.seed);
    this.secrets = parent?.secrets ?? new Set();
    this.observations = parent?.observations ?? [];
    this.leftOut = parent?.leftOut ?? new Set();
    this.#prefix = Math.floor(this.random() * 36 ** 5)
      .toString(36)
      .padStart(5, '0');
  }

  /** A context for one round: what it opens is closed and destroyed before the next one. */
  nested(): CheckContext {
    return new CheckContext(this.definition, this.settings, this);
  }

  /** A fresh and empty place. */
  async place(): Promise<Place> {
    const place = await this.definition.location();
    this.#places.push(place);
    return place;
  }

  /** The place that `open()` opens: the same one for the whole check. */
  mainPlace(): Promise<Place> {
    this.#mainPlace ??= this.place();
    return this.#mainPlace;
  }

  /** A place next to the main one, on the same backend. */
  async neighbour(): Promise<Place> {
    const main = await this.mainPlace();
    if (this.definition.neighbour === undefined) return this.place();
    const place = await this.definition.neighbour(main);
    this.#places.push(place);
    return place;
  }

  /** Opens a handle on a place: the main one where none is named. */
  async open(place?: Place): Promise<ObservedStore> {
    if (this.isOver) throw new PromiseBroken('no opening after the check', 'there was one');
    const where = place ?? (await this.mainPlace());
    const key = JSON.stringify(where);
    if (this.definition.handles === 'one') {
      for (const [store, its] of this.#stores) if (its === key && !store.isClosed) return store;
    }
    this.#handles += 1;
    const name = this.#handles === 1 ? 'store' : `store${this.#handles}`;
    const store = new ObservedStore(await this.definition.open(where), name, this);
    this.#stores.set(store, key);
    return store;
  }

  /** Several handles on the main place. */
  async openMany(count: number): Promise<ObservedStore[]> {
    const stores: ObservedStore[] = [];
    for (let opened = 0; opened < count; opened += 1) stores.push(await this.open());
    return stores;
  }

  /**
   * Other processes that have the main place open. What they did before, for another check, was on
   * another place.
   *
   * @throws Untested if the definition does not say where they find it
   */
  async processes(count: number): Promise<StoreProcess[]> {
    const place = await this.mainPlace();
    const taken = Array.from({ length: count }, () => {
      const made = this.#journalOfProcess();
      const process = spareProcesses.take(this.definition, this.callLimit(), made);
      if (process !== undefined) this.#processes.push(process);
      return { spare: process, process: process ?? this.#startProcess(place, made) };
    });
    const both = taken.map(async ({ spare, process }) => {
      await (spare === undefined ? process.ready() : process.turnTo(place));
      await process.open();
      return process;
    });
    return Promise.all(both);
  }

  /**
   * Starts other processes that open the main place, or another one. They have it open when this
   * is done, unless they are told to wait.
   *
   * @throws Untested if the definition does not say where they find it
   */
  async freshProcesses(
    count: number,
    place?: Place,
    opening: 'now' | 'later' = 'now',
  ): Promise<StoreProcess[]> {
    const where = place ?? (await this.mainPlace());
    const starting = Array.from({ length: count }, () =>
      this.#startProcess(where, this.#journalOfProcess()),
    );
    await Promise.all(starting.map((process) => process.ready()));
    if (opening === 'now') await Promise.all(starting.map((process) => process.open()));
    return starting;
  }

  #startProcess(place: Place, onMade: (made: readonly MadeCall[]) => void): StoreProcess {
    const { module, name } = this.definition;
    if (module === undefined) {
      throw new Untested(
        'the definition has no `module: import.meta.url`, so no other process can find it',
      );
    }
    const process = new StoreProcess({ module, name, place }, this.callLimit(), onMade);
    this.#processes.push(process);
    return process;
  }

  /** Notes the calls of the next process under its name. */
  #journalOfProcess(): (made: readonly MadeCall[]) => void {
    this.#processNames += 1;
    const name = `process${this.#processNames}`;
    return (made) => {
      for (const one of made) this.journal.addMade(name, one);
    };
  }

  /**
   * How many rounds are due where `standard` are at the standard intensity. A store that is slow has
   * fewer, but at least `atLeast`; that some are left out stands in the report.
   */
  rounds(standard: number, atLeast = 1): number {
    const due = roundsOf(this.settings, standard, atLeast);
    const full = fullRoundsOf(this.settings, standard);
    if (due < full) this.leftOut.add(`${due} of ${full} rounds`);
    return due;
  }

  /** How many of something are due where `standard` are at the standard intensity, whatever the pace. */
  share(standard: number): number {
    return fullRoundsOf(this.settings, standard);
  }

  /** Whole number from 0 to below `end`. */
  below(end: number): number {
    return Math.floor(this.random() * end);
  }

  /** A text that is used nowhere else, with a word in it that says what it is. */
  value(what: string): string {
    this.#values += 1;
    return `${what}-${this.#prefix}-${this.#values}`;
  }

  /** A secret that is used nowhere else. Whatever fails from now on is searched for it. */
  secret(what: string): string {
    const secret = `${this.value(what)}-secret-${this.below(36 ** 6)
      .toString(36)
      .padStart(6, '0')}`;
    this.secrets.add(secret);
    return secret;
  }

  /** A token of a user of its own, with a refresh and an access token of its own. */
  token(fields: TokenInit = {}): OAuthToken {
    return new OAuthToken({
      userSignature: { name: this.value('user') },
      refreshToken: this.secret('refresh'),
      accessToken: this.secret('access'),
      ...fields,
    });
  }

  /** Every field that the store keeps, but for `id` and `version`, with values of their own. */
  everyField(): TokenInit {
    const every: TokenInit = {
      userSignature: { name: this.value('user') },
      clientId: this.value('client'),
      clientSecret: this.secret('client'),
      redirectUrl: `https://example.com/${this.value('redirect')}`,
      grantToken: this.secret('grant'),
      refreshToken: this.secret('refresh'),
      accessToken: this.secret('access'),
      apiDomain: `https://${this.value('api')}.example.com`,
      scope: `read write ${this.value('scope')}`,
      tokenType: 'Bearer',
      issuer: `https://${this.value('issuer')}.example.com`,
      resource: `https://${this.value('resource')}.example.com/api`,
      lease: this.value('lease'),
      expiresAt: 1_900_000_000_000 + this.below(1_000_000_000),
      extra: { note: this.secret('extra'), nested: { list: [1, 'two', null, true] } },
    };
    return this.kept(every);
  }

  /** What the store keeps of these fields. */
  kept(init: TokenInit): TokenInit {
    return onlyKept(init, this.definition);
  }

  /** Gives the event loop a turn, or a few, so that calls interleave in more than one way. */
  async interleave(): Promise<void> {
    const turns = this.below(4);
    for (let turn = 0; turn < turns; turn += 1) {
      await new Promise<void>((resolve) => {
        if (this.random() < 0.5) setImmediate(resolve);
        else queueMicrotask(resolve);
      });
    }
  }

  get isOver(): boolean {
    return this.#isOver || this.#parent?.isOver === true;
  }

  callLimit(): number {
    // Who hung once may hang at every call: that need not take an hour to find out.
    return this.hasHung ? Math.min(500, this.settings.callLimit) : this.settings.callLimit;
  }

  hung(method: string): void {
    this.hasHung = true;
    this.#observe(`${method} to settle`, `it had not after ${this.settings.callLimit} ms`, {
      hint: SLOW,
      cause: 'time ran out',
    });
  }

  rejected(method: string, error: unknown): void {
    // Those that were made up last: a failure is about what was just tried.
    const leak = leakIn(error, [...this.secrets].slice(-RECENT));
    if (leak !== undefined) {
      this.#observe(
        'no secret in a failure, whichever way it is looked at',
        `the error that ${method} rejected with shows one: ${leak}`,
        at(error),
      );
    }
    const operation: unknown = Reflect.get(Object(error), 'operation');
    if (operation !== method && [operation, method].every((name) => OPERATIONS.includes(name))) {
      this.#observe(
        `the error of ${method} to say so`,
        `its operation was ${operation}`,
        at(error),
      );
    }
    const lacking = lackingOf(error);
    if (lacking !== undefined) {
      this.#observe(
        `${method} to reject with a TokenStoreError`,
        `it rejected with ${told(error)}, which has ${lacking}`,
        { cause: causeOfError(error), ...at(error) },
      );
    }
  }

  /** Something was printed, or the process was warned. */
  printed(text: string): void {
    if (text === '' || leakIn(text, this.secrets) === undefined) return;
    const shown = { expected: 'no secret to be printed', actual: 'the store printed one' };
    this.observations.push({ clause: 'T6', ...shown, done: this.journal.lines() });
  }

  /** Something was thrown outside of any promise. */
  strayed(failure: unknown): void {
    this.#observe(
      'nothing to be thrown outside of the promise of a call: it ends the process',
      [`this was: ${told(failure)}`, ...framesOf(failure).slice(0, 4)].join('\n    at '),
      { cause: causeOfError(failure), ...at(failure) },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await Promise.all(
      this.#processes.map((one) => spareProcesses.give(this.definition, one, CLEAN_UP_LIMIT)),
    );
    for (const store of this.#stores.keys()) {
      if (!store.isClosed) await atMost(CLEAN_UP_LIMIT, async () => store.raw.close());
    }
    for (const place of this.#places) {
      await atMost(CLEAN_UP_LIMIT, async () => this.definition.destroy?.(place));
    }
  }

  #observe(expected: string, actual: string, details: Partial<Observation> = {}): void {
    const done = this.journal.lines();
    this.observations.push({ clause: 'C14', expected, actual, done, ...details });
  }
}

/** The line of the store's code that an error comes from, where it is known. */
function at(error: unknown): { readonly where?: string } {
  const where = placeOf(error);
  return where === undefined ? {} : { where };
}

/** What a TokenStoreError has and this lacks, if anything (C14). Any copy of core will do. */
function lackingOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return 'no message and no stack: it is no Error';
  if (codeOf(error) === undefined) return 'no code';
  if (!('operation' in error) || typeof error.operation !== 'string') return 'no operation';
  if (!('retryable' in error) || typeof error.retryable !== 'boolean') return 'no retryable';
  return undefined;
}

async function atMost(limit: number, work: () => Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limit);
  });
  try {
    await Promise.race([work(), tooLong]);
  } catch {
    // A place that can't be cleaned up is not what the check was about.
  } finally {
    clearTimeout(timer);
  }
}

/** A check's failure with the calls that led to it. */
export function withCalls(error: unknown, journal: Journal): unknown {
  return error instanceof PromiseBroken ? error.with({ done: journal.lines() }) : error;
}
