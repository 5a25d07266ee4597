import type { ClauseResult, ClauseStatus, Levels, Report } from '../report.ts';
import { failureText } from './failure-text.ts';
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

/** A report to be read: every clause, then what is wrong, then what it comes to. */
export function prettyReport(report: Report, paint: Paint = plain): string {
  const lines = [
    `${paint('bold', report.store)} and the token store contract`,
    paint('dim', `${report.intensity}, seed ${report.seed}; in brackets how many checks`),
    ...Object.entries(GROUPS).flatMap(([letter, name]) => groupLines(report, letter, name, paint)),
  ];
  for (const { problem, add } of report.missing) {
    lines.push('', `${paint('red', 'undeclared')} ${problem}`, `  add to the definition:  ${add}`);
  }
  if (report.missing.some(({ missing }) => missing !== 'module')) {
    lines.push('  a class says it so:     static versions = true;');
  }
  lines.push(
    ...failureLines(report, paint),
    '',
    summary(report, paint),
    levelsLine(report.levels, paint),
  );
  if (report.failures.length > 1) {
    lines.push(
      'Begin at the top, many have one cause: --bail stops at the first, --clause runs one.',
    );
  }
  return `${lines.join('\n')}\n`;
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
    ...tested.map((clause) => clauseLine(clause, paint)),
    ...Array.from(byReason, ([reason, alike]) => {
      const names = alike.map(({ clause }) => clause).join(' ');
      return paint('dim', `  ${MARKS[alike[0]?.status ?? 'untested']} ${names}  ${reason ?? ''}`);
    }),
  ];
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

/** In full the first of each clause: the others of it have most often the same cause. */
function failureLines(report: Report, paint: Paint): string[] {
  const lines: string[] = [];
  const byClause = Map.groupBy(report.failures, ({ clause }) => clause);
  for (const [clause, [first, ...others]] of byClause) {
    if (first !== undefined) lines.push('', failureText(first, paint));
    for (const { check } of others)
      lines.push(`  ${paint('dim', 'also')}       ${paint('red', clause)} ${check}`);
  }
  return lines;
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
