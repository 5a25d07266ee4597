import { checkTokenStore } from '../src/index.ts';
import { BROKEN_STORES } from './broken/index.ts';

// Runs the whole kit on every store that is broken on purpose, and prints what found it as Markdown.
console.log('| fault | clause expected | caught by |\n|---|---|---|');
let missed = 0;
for (const { fault, clause, definition } of BROKEN_STORES) {
  const whole = await checkTokenStore(definition, { intensity: 'quick', timeout: 4_000 });
  const own = await checkTokenStore(definition, { clauses: [clause], timeout: 4_000 });
  const failures = [...own.failures, ...whole.failures];
  const caughtBy = [...new Set(failures.map((failure) => failure.clause))];
  if (!caughtBy.includes(clause)) missed += 1;
  console.log(`| ${fault.replaceAll('|', '\\|')} | ${clause} | ${caughtBy.join(' ')} |`);
}
console.log(`\n${BROKEN_STORES.length} broken stores, ${missed} missed by the clause expected`);
// Some of them keep a process alive: that is their fault.
process.exit(missed === 0 ? 0 : 1);
