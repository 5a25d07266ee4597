import { parseArgs } from 'node:util';
import { caughtByClauses, caughtByItsClause } from './broken/caught.ts';
import { BROKEN_STORES } from './broken/index.ts';

// Runs the kit on the stores that are broken on purpose, and prints what found each as Markdown: the
// checks of its own clause and, quickly, all the others. A failure that shows only that time ran out
// counts for those whose fault is that they hang.
//   --own       the checks of its own clause only
//   --every 6   every sixth store
//   --pace 10   as if their definitions said so
const { values } = parseArgs({
  options: {
    own: { type: 'boolean', default: false },
    every: { type: 'string', default: '1' },
    pace: { type: 'string' },
  },
});
const every = Number(values.every);
const stores = BROKEN_STORES.filter((_store, at) => at % every === 0).map((store) => {
  if (values.pace === undefined) return store;
  return { ...store, definition: { ...store.definition, pace: Number(values.pace) } };
});

console.log(`| clause | a store that | caught ${values.own ? 'at' : 'at | by'} |`);
console.log(`|---|---|---|${values.own ? '' : '---|'}`);
let missed = 0;
for (const store of stores) {
  const own = await caughtByItsClause(store);
  const isCaught = own.failures.length > 0;
  if (!isCaught) missed += 1;
  const at = isCaught ? own.intensity : 'not caught';
  const all = values.own ? [] : await caughtByClauses(store, { intensity: 'quick' });
  const by = [...new Set([...(isCaught ? [store.clause] : []), ...all])].join(' ');
  const fault = store.fault.replaceAll('|', '\\|');
  console.log(`| ${store.clause} | ${fault} | ${at} |${values.own ? '' : ` ${by} |`}`);
}
console.log(`\n${stores.length} broken stores, ${missed} missed by their clause`);
// Some of them keep a process alive: that is their fault.
process.exit(missed === 0 ? 0 : 1);
