import type { Report } from '../report.ts';
import { failureText } from './failure-text.ts';

/** A report in the Test Anything Protocol, version 14. */
export function tapReport(report: Report): string {
  const lines: string[] = [];
  const point = (isOk: boolean, title: string, directive = ''): void => {
    const number = lines.filter((line) => /^(not )?ok /.test(line)).length + 1;
    lines.push(`${isOk ? 'ok' : 'not ok'} ${number} - ${title.replaceAll('#', '\\#')}${directive}`);
  };
  for (const { missing, problem, add } of report.missing) {
    point(false, `the definition says: ${missing}`);
    lines.push(
      '  ---',
      `  message: ${JSON.stringify(problem)}`,
      `  add: ${JSON.stringify(add)}`,
      '  ...',
    );
  }
  for (const { clause, promise, checks, reason } of report.clauses) {
    if (checks.length === 0) point(true, `${clause} ${promise}`, ` # SKIP ${reason ?? ''}`);
    for (const check of checks) {
      const directive = check.status === 'untested' ? ` # SKIP ${check.reason ?? ''}` : '';
      point(check.status !== 'failed', `${clause} ${check.title}`, directive);
      for (const failure of check.failures) {
        const text = failureText(failure).replaceAll('\n', '\n    ');
        lines.push('  ---', `  seed: ${failure.seed}`, '  report: |', `    ${text}`, '  ...');
      }
    }
  }
  const points = lines.filter((line) => /^(not )?ok /.test(line)).length;
  return ['TAP version 14', `1..${points}`, ...lines, ''].join('\n');
}
