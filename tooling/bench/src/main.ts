import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Contender, OPERATIONS, type Operation, type Runner } from './contender.ts';
import { bareSqlite } from './contenders/bare-sqlite.ts';
import { file } from './contenders/file.ts';
import { firestore } from './contenders/firestore.ts';
import { list } from './contenders/list.ts';
import { memory } from './contenders/memory.ts';
import { mongo } from './contenders/mongo.ts';
import { mysql } from './contenders/mysql.ts';
import { redis } from './contenders/redis.ts';
import { sqlite } from './contenders/sqlite.ts';
import { Measurement, type Mode } from './measure.ts';
import { printTable, type Row } from './table.ts';
import { checkTargets } from './targets.ts';
import { tokenOf } from './tokens.ts';

const CONTENDERS: readonly Contender[] = [
  memory,
  list,
  file,
  sqlite,
  mysql,
  redis,
  mongo,
  firestore,
];
const SIZES = [1_000, 100_000];
const MODES: readonly Mode[] = ['sequential', 'in flight'];
const ROUNDS = 15;

const names = process.argv.slice(2);
for (const name of names) {
  if (!CONTENDERS.some((contender) => contender.name === name)) {
    throw new Error(
      `There is no ${name}: give some of ${CONTENDERS.map((contender) => contender.name).join(', ')}.`,
    );
  }
}
console.log(
  `Node ${process.version}, ${process.platform} ${process.arch}. Microseconds a call, median of the passes.`,
);
console.log(
  'A ratio is the time of the bare statement, measured in the same rounds, over that of the store.\n',
);

const rows: Row[] = [];
for (const contender of CONTENDERS) {
  if (names.length > 0 && !names.includes(contender.name)) continue;
  const measured = await compare(contender);
  printTable(contender.name, measured);
  rows.push(...measured);
}
checkTargets(rows);

/** Measures a contender and the bare statements at every size, all of them taking turns. */
async function compare(contender: Contender): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tokenkeep-bench-'));
  const open: Runner[] = [];
  try {
    const runners: { size: number; bare: Runner; store: Runner }[] = [];
    for (const size of contender.sizes ?? SIZES) {
      const tokens = Array.from({ length: size }, (_, user) => tokenOf(user));
      const [bare, store] = [
        await (contender.bare ?? bareSqlite).setUp(mkdtempSync(join(folder, 'bare-')), tokens),
        await contender.setUp(mkdtempSync(join(folder, 'store-')), tokens),
      ];
      open.push(bare, store);
      runners.push({ size, bare, store });
    }
    const measured: Row[] = [];
    let firstTurn = 0;
    for (const mode of MODES) {
      for (const operation of Object.keys(OPERATIONS) as Operation[]) {
        const measurements = runners.map(({ size, bare, store }) => ({
          size,
          bare: new Measurement(bare, operation, mode, firstTurn),
          store: new Measurement(store, operation, mode, firstTurn),
        }));
        firstTurn += 1_000_000;
        await takeTurns(measurements.flatMap(({ bare, store }) => [bare, store]));
        for (const { size, bare, store } of measurements) {
          measured.push({
            contender: contender.name,
            operation,
            mode,
            size,
            bare: bare.time,
            time: store.time,
          });
        }
      }
    }
    return measured;
  } finally {
    for (const runner of open) await runner.close();
    rmSync(folder, { recursive: true });
  }
}

async function takeTurns(measurements: readonly Measurement[]): Promise<void> {
  for (const measurement of measurements) await measurement.warmUp();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const measurement of measurements) await measurement.round();
  }
}
