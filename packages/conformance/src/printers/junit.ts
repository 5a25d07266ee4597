import type { ClauseResult, Report } from '../report.ts';
import type { CheckResult } from '../run-check.ts';
import { failureText } from './failure-text.ts';

/** A report as JUnit XML: a test case for each check, and one for each clause that was left out. */
export function junitReport(report: Report): string {
  const cases = [
    ...report.missing.map(({ missing, problem, add }) =>
      testCase(
        'definition',
        `says ${missing}`,
        0,
        `<failure message="${escaped(problem)}">${escaped(`add: ${add}`)}</failure>`,
      ),
    ),
    ...report.clauses.flatMap(clauseCases),
  ];
  const failures =
    report.missing.length + checksOf(report).filter(({ status }) => status === 'failed').length;
  const seconds = (report.duration / 1000).toFixed(3);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="${escaped(report.store)}" tests="${cases.length}" failures="${failures}" time="${seconds}">`,
    `  <properties><property name="seed" value="${report.seed}"/></properties>`,
    ...cases,
    '</testsuite>',
    '',
  ].join('\n');
}

function checksOf(report: Report): readonly CheckResult[] {
  return report.clauses.flatMap(({ checks }) => checks);
}

function clauseCases({ clause, promise, checks, reason }: ClauseResult): string[] {
  if (checks.length === 0) return [testCase(clause, promise, 0, skipped(reason))];
  return checks.map((check) => {
    const failures = check.failures
      .map(
        (failure) =>
          `<failure message="${escaped(`expected ${failure.expected}, but ${failure.actual}`)}">${escaped(failureText(failure))}</failure>`,
      )
      .join('');
    const body = check.status === 'untested' ? skipped(check.reason) : failures;
    return testCase(clause, check.title, check.duration, body);
  });
}

function skipped(reason: string | undefined): string {
  return `<skipped message="${escaped(reason ?? '')}"/>`;
}

function testCase(clause: string, title: string, duration: number, body: string): string {
  const start = `  <testcase classname="${clause}" name="${escaped(`${clause} ${title}`)}" time="${(duration / 1000).toFixed(3)}"`;
  return body === '' ? `${start}/>` : `${start}>${body}</testcase>`;
}

/** XML 1.0 section 2.2 has no way to write most control characters. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;');
}
