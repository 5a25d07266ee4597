import { checkTokenStore } from '@tokenkeep/conformance';
import * as defs from './definition.ts';

const [, , which = 'postgres', clauses] = process.argv;
const start = performance.now();
const report = await checkTokenStore((defs as any)[which], {
  ...(clauses ? { clauses: clauses.split(',') } : {}),
  onProgress: ({ check, result }) => {
    if (!result) {
      (globalThis as any).t = performance.now();
      return;
    }
    const ms = Math.round(performance.now() - (globalThis as any).t);
    if (result.status !== 'passed' || ms > 3000)
      console.log(
        ms,
        result.status,
        check.clause,
        check.title ?? '',
        JSON.stringify(result.failures ?? []).slice(0, 900),
      );
  },
});
console.log(
  which,
  report.passed,
  JSON.stringify((report as any).levels),
  Math.round(performance.now() - start),
  'ms',
);
const by: Record<string, number> = {};
for (const r of (report as any).results) by[r.status] = (by[r.status] ?? 0) + 1;
console.log(by);
process.exit(0);
