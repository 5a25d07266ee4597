import { CLAUSE_IDS, type ClauseId } from '../clauses.ts';
import type { Failure } from '../run-check.ts';
import { failureText } from './failure-text.ts';
import type { Paint } from './paint.ts';

/** How many causes are shown in full: who puts those right has most of it right. */
const SHOWN = 4;
/** How many of the others get a line. */
const LISTED = 20;
const WIDEST = 220;

/** Failures that come of one fault, as far as that can be told. */
interface Cause {
  readonly failures: readonly Failure[];
  /** The clauses that it breaks, in the order of the contract. */
  readonly clauses: readonly ClauseId[];
}

/** The failures by their causes: the one that breaks most is the last, as a terminal shows the end. */
function causesOf(failures: readonly Failure[]): Cause[] {
  const groups = Map.groupBy(failures, ({ cause }) => cause);
  return Array.from(groups.values(), (group): Cause => {
    const clauses = new Set(group.map(({ clause }) => clause));
    return { failures: group, clauses: CLAUSE_IDS.filter((clause) => clauses.has(clause)) };
  })
    .toReversed()
    .toSorted(
      (a, b) => a.clauses.length - b.clauses.length || a.failures.length - b.failures.length,
    );
}

/** The causes to be read: those that break least in a line each, the others in full. */
export function causeLines(failures: readonly Failure[], paint: Paint): string[] {
  const causes = causesOf(failures);
  const shown = causes.slice(-SHOWN);
  const listed = causes.slice(0, -SHOWN).slice(-LISTED);
  const left = causes.length - shown.length - listed.length;
  return [
    ...(listed.length > 0 ? ['', paint('bold', 'Broken too, the least first')] : []),
    ...(left > 0 ? [paint('dim', `  ${left} more: --reporter json tells all`)] : []),
    ...listed.map((cause) => causeLine(cause, paint)),
    ...shown.flatMap((cause, index) => causeText(cause, index === shown.length - 1, paint)),
  ];
}

function causeLine({ failures, clauses }: Cause, paint: Paint): string {
  const [first] = failures;
  if (first === undefined) return '';
  const text = `${first.check}: expected ${first.expected}, but ${first.actual}`.replaceAll(
    '\n',
    ' ',
  );
  const cut = text.length <= WIDEST ? text : `${text.slice(0, WIDEST)} ...`;
  return `  ${paint('red', clauses.join(' '))} ${cut}`;
}

function causeText({ failures, clauses }: Cause, isLast: boolean, paint: Paint): string[] {
  const [first] = failures;
  if (first === undefined) return [];
  const checks = `${failures.length} checks of ${clauses.length === 1 ? clauses[0] : `${clauses.length} clauses`}`;
  const many = failures.length > 1 ? `: one cause broke ${checks}` : '';
  const title = isLast ? `Put this right first${many}` : `Then this${many}`;
  const others = clauses.filter((clause) => clause !== first.clause);
  return [
    '',
    paint('bold', title),
    failureText(first, paint),
    ...(others.length > 0
      ? [`  ${paint('dim', 'breaks too'.padEnd(10))} ${others.join(' ')}`]
      : []),
  ];
}
