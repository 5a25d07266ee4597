import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';

// Runs the kit many times on stores that are right: `count-false-alarms.ts [RUNS] DEFINITION_FILE...`.
const [first = '', ...others] = process.argv.slice(2);
const runs = /^\d+$/.test(first) ? Number(first) : 20;
const files = /^\d+$/.test(first) ? others : [first, ...others];
let alarms = 0;
for (const file of files) {
  const exported: Record<string, unknown> = await import(pathToFileURL(resolve(file)).href);
  for (const definition of Object.values(exported).filter(isDefinition)) {
    const started = performance.now();
    let checks = 0;
    for (let seed = 1; seed <= runs; seed += 1) {
      const report = await checkTokenStore(definition, { seed });
      checks += report.clauses.flatMap((clause) => clause.checks).length;
      alarms += report.failures.length;
      for (const { clause, check, expected, actual } of report.failures) {
        console.log(`  seed ${seed}: ${clause} ${check}: expected ${expected}, but ${actual}`);
      }
    }
    const seconds = ((performance.now() - started) / 1000 / runs).toFixed(1);
    console.log(`${definition.name}: ${runs} runs, ${checks} checks, ${seconds} s a run`);
  }
}
console.log(`${alarms} false alarms`);
process.exit(alarms === 0 ? 0 : 1);

function isDefinition(value: unknown): value is TokenStoreDefinition {
  return typeof value === 'object' && value !== null && 'location' in value && 'open' in value;
}
