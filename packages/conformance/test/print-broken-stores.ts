import { caughtByClauses, caughtByItsClause } from './broken/caught.ts';
import { BROKEN_STORES } from './broken/index.ts';

// Runs the whole kit on every store that is broken on purpose, and prints what found it as Markdown.
// A failure that shows only that time ran out counts for those whose fault is that they hang.
console.log('| fault | clause expected | caught by |\n|---|---|---|');
let missed = 0;
for (const store of BROKEN_STORES) {
  const own = await caughtByItsClause(store);
  const all = await caughtByClauses(store, { intensity: 'quick' });
  const isCaught = own.failures.length > 0;
  const caughtBy = [...new Set([...(isCaught ? [store.clause] : []), ...all])];
  if (!isCaught) missed += 1;
  console.log(
    `| ${store.fault.replaceAll('|', '\\|')} | ${store.clause} | ${caughtBy.join(' ')} |`,
  );
}
console.log(`\n${BROKEN_STORES.length} broken stores, ${missed} missed by the clause expected`);
// Some of them keep a process alive: that is their fault.
process.exit(missed === 0 ? 0 : 1);
