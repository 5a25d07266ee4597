import type { ClauseResult, ClauseStatus, Levels, Report } from '../report.ts';
import { causeLines } from './causes.ts';
import { type Paint, plain } from './paint.ts';

const MARKS: Readonly<Record<ClauseStatus, string>> = {
  passed: '✓',
  failed: '✗',
  untested: '?',
  skipped: '-',
};

const LOOKS = { passed: 'green', failed: 'red', untested: 'yellow', skipped: 'dim' } as const;

const GROUPS: Readonly<Record<string, string>> = {
  T: 'the token',
  M: 'which record a token means',
  C: 'the six methods',
  A: 'at the same time',
  V: 'versions',
  D: 'durable',
  S: 'shared',
  I: 'iterable',
};

/** With more clauses broken than that, those that are kept are no longer told one by one. */
const FEW = 3;

/** A report to be read: every clause, what it comes to, and what is wrong: what to put right first comes last. */
export function prettyReport(report: Report, paint: Paint = plain): string {
  const { pace } = report;
  const lines = [
    `${paint('bold', report.store)} and the token store contract`,
    paint('dim', `${report.intensity}, seed ${report.seed}; in brackets how many checks`),
    ...(pace.note === undefined ? [] : [paint('dim', pace.note)]),
    ...clauseLines(report, paint),
    ...leftOutLines(report, paint),
  ];
  for (const { problem, add } of report.missing) {
    lines.push('', `${paint('red', 'undeclared')} ${problem}`, `  add to the definition:  ${add}`);
  }
  const unsaid = report.missing.find(({ missing }) => missing !== 'module')?.missing;
  if (unsaid !== undefined) lines.push(`  a class says it so:     static ${unsaid} = true;`);
  lines.push(
    '',
    summary(report, paint),
    levelsLine(report.levels, paint),
    ...shortWay(report),
    ...causeLines(report.failures, paint),
  );
  return `${lines.join('\n')}\n`;
}

/** Every clause by its group; where one alone was tried, that one. */
function clauseLines(report: Report, paint: Paint): string[] {
  const tried = report.clauses.filter(({ checks }) => checks.length > 0);
  const [only] = tried;
  if (only !== undefined && tried.length === 1) {
    const left = report.clauses.find(({ status }) => status === 'untested');
    const note =
      left?.reason === undefined ? [] : [paint('dim', `  ?      all others: ${left.reason}`)];
    return ['', clauseLine(only, paint), ...note];
  }
  return Object.entries(GROUPS).flatMap(([letter, name]) =>
    groupLines(report, letter, name, paint),
  );
}

/** What the pace of the store left out: what did not run must not look as if it had. */
function leftOutLines(report: Report, paint: Paint): string[] {
  const checks = report.clauses.flatMap((clause) => clause.checks);
  const leftOut = checks.filter((check) => check.leftOut !== undefined);
  if (leftOut.length === 0) return [];
  const byClause = Map.groupBy(leftOut, ({ clause }) => clause);
  const parts = Array.from(
    byClause,
    ([clause, few]) => `${clause} ${few.map((check) => check.leftOut).join(', ')}`,
  );
  return ['', paint('dim', `tried less often because of the pace: ${parts.join('; ')}`)];
}

/** Where most is broken, the way that spares most of it. */
function shortWay(report: Report): string[] {
  const tested = report.clauses.filter(({ status }) => !isLeftOut(status));
  const broken = tested.filter(({ status }) => status === 'failed');
  if (broken.length <= 10 || broken.length <= tested.length / 3) return [];
  return [
    '',
    'Most of this StorageTokenStore of @tokenkeep/core does for you: it checks, matches, merges and counts, and asks your code for seven plain methods.',
    '  how: https://github.com/tokenkeep/tokenkeep/blob/main/docs/write-an-adapter.md, or npm create @tokenkeep/store my-store',
  ];
}

function groupLines(report: Report, letter: string, name: string, paint: Paint): string[] {
  const clauses = report.clauses.filter(({ clause }) => clause.startsWith(letter));
  const tested = clauses.filter(({ status }) => !isLeftOut(status));
  const byReason = Map.groupBy(
    clauses.filter(({ status }) => isLeftOut(status)),
    ({ reason }) => reason,
  );
  return [
    '',
    paint('bold', name),
    ...testedLines(tested, report, paint),
    ...Array.from(byReason, ([reason, alike]) => {
      const names = alike.map(({ clause }) => clause).join(' ');
      return paint('dim', `  ${MARKS[alike[0]?.status ?? 'untested']} ${names}  ${reason ?? ''}`);
    }),
  ];
}

function testedLines(tested: readonly ClauseResult[], report: Report, paint: Paint): string[] {
  const broken = report.clauses.filter(({ status }) => status === 'failed').length;
  if (broken <= FEW) return tested.map((clause) => clauseLine(clause, paint));
  return (['passed', 'failed'] as const).flatMap((wanted) => {
    const names = tested.filter(({ status }) => status === wanted).map(({ clause }) => clause);
    return names.length === 0
      ? []
      : [`  ${paint(LOOKS[wanted], MARKS[wanted])} ${names.join(' ')}`];
  });
}

function isLeftOut(status: ClauseStatus): boolean {
  return status === 'skipped' || status === 'untested';
}

function clauseLine(
  { clause, promise, status, checks, reason }: ClauseResult,
  paint: Paint,
): string {
  const note = reason === undefined ? '' : paint('dim', `\n        but: ${reason}`);
  const mark = paint(LOOKS[status], `${MARKS[status]} ${clause.padEnd(4)}`);
  return `  ${mark} ${promise} ${paint('dim', `(${checks.length})`)}${note}`;
}

function summary(report: Report, paint: Paint): string {
  const count = (status: ClauseStatus): number =>
    report.clauses.filter((clause) => clause.status === status).length;
  const checks = report.clauses.flatMap((clause) => clause.checks).length;
  const parts = [
    paint('green', `${count('passed')} clauses kept`),
    ...(count('failed') > 0 ? [paint('red', `${count('failed')} broken`)] : []),
    ...(count('untested') > 0 ? [paint('yellow', `${count('untested')} untested`)] : []),
    ...(count('skipped') > 0 ? [paint('dim', `${count('skipped')} skipped`)] : []),
  ];
  return `${parts.join(', ')}; ${checks} checks in ${(report.duration / 1000).toFixed(1)} s`;
}

function levelsLine(levels: Levels, paint: Paint): string {
  return Object.entries(levels)
    .map(([level, status]) => {
      const look = status === 'undeclared' ? 'red' : LOOKS[status];
      return `${level} ${paint(look, status)}`;
    })
    .join('   ');
}
