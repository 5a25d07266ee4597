import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { checkTokenStore, type Intensity, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { INTENSITIES } from '../src/settings.ts';

// Runs the kit many times, each with another seed, on stores that are right: every failure is an alarm
// that is false. The seeds are those from `--from` on, so that the runs can be split.
// `count-false-alarms.ts [--runs 20] [--from 1] [--intensity quick] [--store NAME]
// [--clause C10]... [FILE...]`; a file exports definitions. Without one: all that need no server.
const NEEDS_NO_SERVER = [
  './correct/definitions.ts',
  './correct-stores.ts',
  '../../memory/test/definition.ts',
  './list/definition.ts',
  '../../file/test/definition.ts',
  '../../sqlite/test/definition.ts',
];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '20' },
    from: { type: 'string', default: '1' },
    intensity: { type: 'string', default: 'quick' },
    store: { type: 'string' },
    clause: { type: 'string', multiple: true },
  },
});
const runs = Number(values.runs);
const from = Number(values.from);
const clauses = values.clause && { clauses: values.clause };
const intensity = requireIntensity(values.intensity);
const files =
  positionals.length > 0
    ? positionals.map((file) => resolve(file))
    : NEEDS_NO_SERVER.map((file) => fileURLToPath(new URL(file, import.meta.url)));

console.log(`| store | runs, ${intensity} | checks passed in each | false alarms | seconds |`);
console.log('|---|---|---|---|---|');
let alarms = 0;
let done = 0;
for (const file of files) {
  const exported: Record<string, unknown> = await import(pathToFileURL(file).href);
  const definitions = new Set(Object.values(exported).flat().filter(isDefinition));
  // No alarm would come of no run.
  if (definitions.size === 0) throw new Error(`${file} exports no definition of a store`);
  for (const definition of definitions) {
    if (values.store === undefined || values.store === definition.name) await count(definition);
  }
}
console.log(`\n${alarms} false alarms in ${done} runs`);
process.exit(alarms === 0 && done > 0 ? 0 : 1);

async function count(definition: TokenStoreDefinition): Promise<void> {
  const passed: number[] = [];
  const found: string[] = [];
  let seconds = 0;
  for (let seed = from; seed < from + runs; seed += 1) {
    const report = await checkTokenStore(definition, { seed, intensity, ...clauses });
    const checks = report.clauses.flatMap((clause) => clause.checks);
    passed.push(checks.filter(({ status }) => status === 'passed').length);
    // Not into the table: what is known where the runs are cut off.
    console.error(`${definition.name}, seed ${seed}: ${report.failures.length} false alarms`);
    seconds += report.duration / 1000;
    done += 1;
    for (const { clause, check, expected, actual } of report.failures) {
      const alarm = `seed ${seed}: ${clause} ${check}: expected ${expected}, but ${actual}`;
      console.error(alarm);
      found.push(alarm);
    }
  }
  const counts = [...new Set([Math.min(...passed), Math.max(...passed)])].join(' to ');
  console.log(
    `| ${definition.name} | ${runs} | ${counts} | ${found.length} | ${seconds.toFixed(1)} |`,
  );
  for (const alarm of found) console.log(alarm);
  alarms += found.length;
}

function requireIntensity(name: string): Intensity {
  const intensity = INTENSITIES.find((one) => one === name);
  if (intensity === undefined) throw new Error(`--intensity is one of ${INTENSITIES.join(', ')}`);
  return intensity;
}

function isDefinition(value: unknown): value is TokenStoreDefinition {
  return typeof value === 'object' && value !== null && 'location' in value && 'open' in value;
}
