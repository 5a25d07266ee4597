import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type ClauseResult,
  checkTokenStore,
  type Failure,
  type Report,
} from '@tokenkeep/conformance';
import { definitions } from './definitions.ts';

// Runs the kit on the stores that come with the vendor's SDKs, and writes what it found as a page.
const PAGE = fileURLToPath(new URL('../../../../docs/vendor-stores.md', import.meta.url));

const reports: Report[] = [];
for (const definition of definitions) {
  console.log(definition.name);
  const report = await checkTokenStore(definition, { seed: 8, timeout: 5_000 });
  console.log(`  ${count(report, 'passed')} clauses kept, ${count(report, 'failed')} broken`);
  reports.push(report);
}
writeFileSync(PAGE, page(reports));
console.log(`written: ${PAGE}`);
// A store that leaves a connection open would keep this program from its end.
process.exit(0);

function page(all: readonly Report[]): string {
  return `# The stores of the vendor's SDKs, checked

Zoho's SDKs for Node.js and TypeScript bring two token stores of their own. This page is what [the kit](../packages/conformance) finds when it checks them against [the token store contract](contract.md), through \`tokenStoreFromZoho\` of [@tokenkeep/zoho](../packages/zoho). A command writes it: \`pnpm --filter @tokenkeep/zoho run vendor-stores\`.

The bridge is kind to them: it refuses what is no token, reads the record again after a save, and does nothing where there is nothing to delete. What is listed here is theirs. Neither has versions, so group V is left out. \`DBStore\` ran on MariaDB, with the table that the vendor's documentation says to create.

| store | clauses kept | broken | left out or untested |
|---|---|---|---|
${all.map((report) => `| ${report.store} | ${count(report, 'passed')} | ${count(report, 'failed')} | ${count(report, 'skipped') + count(report, 'untested')} |`).join('\n')}

${all.map(section).join('\n')}`;
}

function section(report: Report): string {
  const clausesOf = (status: ClauseResult['status']): readonly ClauseResult[] =>
    report.clauses.filter((clause) => clause.status === status);
  const failures = clausesOf('failed').map(({ clause, promise }) => {
    const all = report.failures.filter((failure) => failure.clause === clause);
    const own = all.find((failure) => !isOfMissingFields(failure));
    return { clause, promise, failure: own };
  });
  const names = (some: readonly { readonly clause: string }[]): string =>
    some.map(({ clause }) => clause).join(', ');
  const rows = failures.flatMap(({ clause, promise, failure }) =>
    failure === undefined ? [] : [row(clause, promise, failure)],
  );
  return `## ${report.store}

Kept: ${names(clausesOf('passed'))}. Broken only because \`scope\`, \`tokenType\` and \`extra\` are not kept, which the vendor's tokens do not have: ${names(failures.filter(({ failure }) => failure === undefined))}. Broken besides:

| clause | promised | expected | what came | why it matters |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

/** The vendor's tokens have fewer fields than ours: that is one fault, and not one of every clause. */
function isOfMissingFields({ expected, actual }: Failure): boolean {
  return (
    /^it was \{ \.\.\.,( (scope|tokenType|extra): absent,?)+ \}$/.test(actual) ||
    /^extra as it was|whose scope says undefined/.test(expected)
  );
}

function row(clause: string, promise: string, { expected, actual, why }: Failure): string {
  return `| ${clause} | ${[promise, expected, actual, why].map(cell).join(' | ')} |`;
}

/** On one line, and not longer than can be read. */
function cell(text: string): string {
  const short = text.length > 220 ? `${text.slice(0, 220)} ...` : text;
  return short.replace(/\s+/g, ' ').replaceAll(/[|<>{}\\]/g, '\\$&');
}

function count(report: Report, status: ClauseResult['status']): number {
  return report.clauses.filter((clause) => clause.status === status).length;
}
