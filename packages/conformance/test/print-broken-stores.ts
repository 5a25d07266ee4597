import { parseArgs } from 'node:util';
import { caughtByClauses, caughtByItsClause } from './broken/caught.ts';
import { BROKEN_STORES } from './broken/index.ts';

// Runs the kit on the stores that are broken on purpose, and prints what found each as Markdown: the
// checks of its own clause and, quickly, all the others. A failure that shows only that time ran out
// counts for those whose fault is that they hang.
//   --own       the checks of its own clause only
//   --every 6   every sixth store
//   --part 2/3  the second third of them: a run of all takes several minutes
//   --pace 10   as if their definitions said so
const { values } = parseArgs({
  options: {
    own: { type: 'boolean', default: false },
    every: { type: 'string', default: '1' },
    part: { type: 'string', default: '1/1' },
    pace: { type: 'string' },
  },
});
const every = Number(values.every);
const [part = 1, parts = 1] = values.part.split('/').map(Number);
const chosen = BROKEN_STORES.filter((_store, at) => at % every === 0);
const isInPart = (at: number): boolean => Math.floor((at * parts) / chosen.length) === part - 1;
const stores = chosen
  .filter((_store, at) => isInPart(at))
  .map((store) => {
    if (values.pace === undefined) return store;
    return { ...store, definition: { ...store.definition, pace: Number(values.pace) } };
  });

console.log(`| clause | a store that | caught ${values.own ? 'at' : 'at | by'} |`);
console.log(`|---|---|---|${values.own ? '' : '---|'}`);
let missed = 0;
let elsewhere = 0;
for (const store of stores) {
  const own = await caughtByItsClause(store);
  const isCaught = own.failures.length > 0;
  const isAskedAll = !values.own || !isCaught;
  const all = isAskedAll ? await caughtByClauses(store, { intensity: 'quick' }) : [];
  const others = all.filter((clause) => clause !== store.clause);
  if (!isCaught && others.length > 0) elsewhere += 1;
  else if (!isCaught) missed += 1;
  const at = isCaught ? own.intensity : others.length > 0 ? 'another clause' : 'not caught';
  const by = [...new Set([...(isCaught ? [store.clause] : []), ...all])].join(' ');
  const fault = store.fault.replaceAll('|', '\\|');
  console.log(`| ${store.clause} | ${fault} | ${at} |${values.own ? '' : ` ${by} |`}`);
}
console.log(
  `\n${stores.length} broken stores, ${missed} missed, ${elsewhere} found on another clause only`,
);
// Some of them keep a process alive: that is their fault.
process.exit(missed + elsewhere === 0 ? 0 : 1);
