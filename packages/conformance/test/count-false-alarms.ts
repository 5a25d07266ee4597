import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { checkTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';

// Runs the kit many times on stores that are right: `count-false-alarms.ts [RUNS] [FILE...]`.
const NEEDS_NO_SERVER = [
  './correct-stores.ts',
  './correct/definitions.ts',
  '../../memory/test/definition.ts',
  './list/definition.ts',
  '../../sqlite/test/definition.ts',
  '../../file/test/definition.ts',
];
const [first = '', ...others] = process.argv.slice(2);
const isCount = /^\d+$/.test(first);
const runs = isCount ? Number(first) : 20;
const named = (isCount ? others : [first, ...others]).filter((file) => file !== '');
const files =
  named.length > 0
    ? named.map((file) => resolve(file))
    : NEEDS_NO_SERVER.map((file) => fileURLToPath(new URL(file, import.meta.url)));

let alarms = 0;
let done = 0;
for (const file of files) {
  const exported: Record<string, unknown> = await import(pathToFileURL(file).href);
  const definitions = Object.values(exported).filter(isDefinition);
  // No alarm would come of no run.
  if (definitions.length === 0) throw new Error(`${file} exports no definition of a store`);
  for (const definition of definitions) {
    for (let seed = 1; seed <= runs; seed += 1) {
      const report = await checkTokenStore(definition, { seed });
      const checks = report.clauses.flatMap((clause) => clause.checks);
      const passed = checks.filter(({ status }) => status === 'passed').length;
      alarms += report.failures.length;
      done += 1;
      console.log(
        `${definition.name}, seed ${seed}: ${passed} of ${checks.length} checks passed, ${report.failures.length} failures, ${(report.duration / 1000).toFixed(1)} s`,
      );
      for (const { clause, check, expected, actual } of report.failures) {
        console.log(`  ${clause} ${check}: expected ${expected}, but ${actual}`);
      }
    }
  }
}
console.log(`${alarms} false alarms in ${done} runs`);
process.exit(alarms === 0 && done > 0 ? 0 : 1);

function isDefinition(value: unknown): value is TokenStoreDefinition {
  return typeof value === 'object' && value !== null && 'location' in value && 'open' in value;
}
