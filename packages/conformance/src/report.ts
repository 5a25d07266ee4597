import {
  type Capability,
  CLAUSE_IDS,
  CLAUSES,
  type ClauseId,
  capabilityOf,
  LIMITS,
} from './clauses.ts';
import {
  type MissingDeclaration,
  missingDeclarations,
  QUESTIONS,
  type TokenStoreDefinition,
} from './definition.ts';
import type { CheckResult, Failure } from './run-check.ts';
import type { Intensity, Pace, Settings } from './settings.ts';

/** `skipped`: the store declares that it has no such capability. `untested`: no check could tell. */
export type ClauseStatus = 'passed' | 'failed' | 'untested' | 'skipped';

/** How a store did on one clause. */
export interface ClauseResult {
  readonly clause: ClauseId;
  /** The clause in one sentence. */
  readonly promise: string;
  readonly status: ClauseStatus;
  /**
   * Why it was skipped or is untested, or what part of it is; where it failed and its own checks did
   * not, which check found it.
   */
  readonly reason?: string;
  readonly checks: readonly CheckResult[];
}

/** `undeclared`: the definition does not say. */
export type LevelStatus = ClauseStatus | 'undeclared';

/** What a store can be relied on for: `base` are the groups T, M and C, `concurrent` is A. */
export type Levels = Readonly<Record<'base' | 'concurrent' | Capability, LevelStatus>>;

const LEVEL_GROUPS: Readonly<Record<keyof Levels, string>> = {
  base: 'TMC',
  concurrent: 'A',
  versions: 'V',
  durable: 'D',
  shared: 'S',
  iterable: 'I',
};

/** What came of checking a store. Every printer is a caller of this. */
export class Report {
  /** The name of the store. */
  readonly store: string;
  readonly seed: number;
  readonly intensity: Intensity;
  /** Every clause, in the order of the contract. */
  readonly clauses: readonly ClauseResult[];
  /** How slow the store was taken to be, and why. */
  readonly pace: Pace;
  /** What the definition has to say and does not. */
  readonly missing: readonly MissingDeclaration[];
  /** How long it took: milliseconds. */
  readonly duration: number;
  /** Why the checks that did not run did not. */
  readonly notRun: string;

  constructor(
    definition: Pick<TokenStoreDefinition, 'name' | 'module' | Capability>,
    settings: Settings,
    results: readonly CheckResult[],
    duration: number,
    notRun: string,
  ) {
    this.store = definition.name;
    this.seed = settings.seed;
    this.intensity = settings.intensity;
    this.pace = settings.pace;
    this.missing = missingDeclarations(definition);
    this.duration = duration;
    this.notRun = notRun;
    this.clauses = CLAUSE_IDS.map((clause) => clauseResult(clause, definition, results, notRun));
  }

  /** Whether the store keeps every promise that it makes, and says which it makes. */
  get passed(): boolean {
    return this.missing.length === 0 && this.failures.length === 0;
  }

  /** Whether every clause that binds the store was tested. */
  get isWhole(): boolean {
    return this.clauses.every(({ status }) => status !== 'untested');
  }

  /** Every broken promise. */
  get failures(): readonly Failure[] {
    return this.clauses.flatMap((clause) => clause.checks).flatMap((check) => check.failures);
  }

  /** What the store can be relied on for. */
  get levels(): Levels {
    const of = (level: keyof Levels): LevelStatus => {
      if (this.missing.some(({ missing }) => missing === level)) return 'undeclared';
      const clauses = this.clauses.filter(({ clause }) =>
        LEVEL_GROUPS[level].includes(clause.slice(0, 1)),
      );
      for (const status of ['failed', 'skipped'] as const) {
        if (clauses.some((clause) => clause.status === status)) return status;
      }
      return clauses.every((clause) => clause.status === 'passed') ? 'passed' : 'untested';
    };
    return {
      base: of('base'),
      concurrent: of('concurrent'),
      versions: of('versions'),
      durable: of('durable'),
      shared: of('shared'),
      iterable: of('iterable'),
    };
  }

  toJSON(): Record<string, unknown> {
    const { store, seed, intensity, pace, duration, levels, missing, clauses } = this;
    // Of a part of the clauses nobody can say that all are kept.
    const passed = this.passed && !this.isWhole ? null : this.passed;
    return { store, passed, seed, intensity, pace, duration, levels, missing, clauses };
  }
}

/** Where a broken clause was found, when all its own checks were passed. */
function foundElsewhere(clause: ClauseId, results: readonly CheckResult[]): string | undefined {
  const finding = results.filter(({ failures }) => failures.some((one) => one.clause === clause));
  const [first] = finding;
  if (first === undefined || finding.some((result) => result.clause === clause)) return undefined;
  return `a check of ${first.clause} found it broken: ${first.title}`;
}

function clauseResult(
  clause: ClauseId,
  definition: Pick<TokenStoreDefinition, Capability>,
  results: readonly CheckResult[],
  notRun: string,
): ClauseResult {
  const checks = results.filter((result) => result.clause === clause);
  const failed = results.some(({ failures }) => failures.some((one) => one.clause === clause));
  const of = (status: ClauseStatus, reason?: string): ClauseResult => ({
    clause,
    promise: CLAUSES[clause],
    status,
    ...(reason === undefined ? {} : { reason }),
    checks,
  });
  const capability = capabilityOf(clause);
  if (capability !== undefined && definition[capability] !== true) {
    return definition[capability] === false
      ? of('skipped', `the definition declares ${capability}: false`)
      : of('untested', `the definition does not say ${QUESTIONS[capability]}`);
  }
  if (failed) return of('failed', foundElsewhere(clause, results));
  if (checks.length === 0) return of('untested', notRun);
  const reasons = checks.flatMap(({ reason }) => reason ?? []);
  const limit = LIMITS[clause];
  if (reasons.length === checks.length) return of('untested', reasons[0]);
  if (checks.some(({ status }) => status === 'passed')) return of('passed', reasons[0] ?? limit);
  const found = new Set(checks.flatMap(({ failures }) => failures.map((one) => one.clause)));
  return of(
    'untested',
    `its check came upon another promise that is broken: ${[...found].join(' ')}`,
  );
}
