import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CONTENDERS } from './contenders/index.ts';

const known = [...CONTENDERS.map(({ name }) => name), 'keeper'];
const names = process.argv.length > 2 ? process.argv.slice(2) : known;
const unknown = names.find((name) => !known.includes(name));
if (unknown !== undefined) {
  throw new Error(`There is no ${unknown}: give some of ${known.join(', ')}.`);
}
console.log(
  `Node ${process.version}, ${process.platform} ${process.arch}. Microseconds a call, median of the passes.`,
);
console.log(
  'A ratio is the time of the other, measured in the same rounds, over that of the store.\n',
);
const compare = fileURLToPath(new URL('./compare.ts', import.meta.url));
const keeper = fileURLToPath(new URL('./keeper.ts', import.meta.url));
for (const name of names) {
  // Each in a process of its own: the engine optimises code for what has run in it before.
  const program = name === 'keeper' ? [keeper] : [compare, name];
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...program], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
