import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Contender, isFind, OPERATIONS, type Operation, type Runner } from './contender.ts';
import { bareSqlite } from './contenders/bare-sqlite.ts';
import { CONTENDERS } from './contenders/index.ts';
import { Measurement, type Mode } from './measure.ts';
import { printTable, type Row } from './table.ts';
import { checkTargets } from './targets.ts';
import { tokenOf } from './tokens.ts';

const SIZES = [1_000, 100_000];
const MODES: readonly Mode[] = ['sequential', 'in flight'];
const ALL_OPERATIONS = Object.keys(OPERATIONS) as Operation[];
const ROUNDS = 15;
const BARE = 'bare';

/** A store and what it is compared with, all with as many records. */
interface Arena {
  readonly size: number;
  readonly store: Runner;
  readonly others: ReadonlyMap<string, Runner>;
}

const contender = CONTENDERS.find(({ name }) => name === process.argv[2]);
if (contender === undefined) throw new Error('give the name of a store');
const rows = await compare(contender);
for (const other of new Set(rows.map((row) => row.beside))) {
  printTable(rows.filter((row) => row.beside === other));
}
checkTargets(rows.filter((row) => row.beside === BARE));

/** Measures a contender, the bare statements and its peers, all of them taking turns. */
async function compare(contender: Contender): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tokenkeep-bench-'));
  const open: Runner[] = [];
  const setUp = async (each: Contender, size: number): Promise<Runner> => {
    const tokens = Array.from({ length: size }, (_, user) => tokenOf(user));
    const runner = await each.setUp(mkdtempSync(join(folder, 'place-')), tokens);
    open.push(runner);
    return runner;
  };
  try {
    const arenas: Arena[] = [];
    for (const size of contender.sizes ?? SIZES) {
      const peers = arenas.length === 0 ? (contender.peers ?? []) : [];
      const others = new Map([[BARE, await setUp(contender.bare ?? bareSqlite, size)]]);
      for (const peer of peers) others.set(peer.name, await setUp(peer, size));
      arenas.push({ size, store: await setUp(contender, size), others });
    }
    // Whatever is measured first would pay for the engine's learning of what comes after it.
    for (const mode of MODES) {
      for (const operation of ALL_OPERATIONS.filter(isFind)) {
        for (const { calls } of open) {
          const makeCall = calls[operation];
          if (makeCall) await new Measurement(makeCall, operation, mode, 0).warmUp();
        }
      }
    }
    const rows: Row[] = [];
    let firstTurn = 0;
    for (const mode of MODES) {
      for (const operation of ALL_OPERATIONS) {
        const measurementOf = ({ calls }: Runner): Measurement | undefined => {
          const makeCall = calls[operation];
          return makeCall && new Measurement(makeCall, operation, mode, firstTurn);
        };
        const measured = arenas.map(({ size, store, others }) => ({
          size,
          store: measurementOf(store),
          others: [...others].map(([name, runner]) => ({ name, it: measurementOf(runner) })),
        }));
        firstTurn += 1_000_000;
        await takeTurns(
          measured
            .flatMap(({ store, others }) => [...others.map(({ it }) => it), store])
            .filter((it) => it !== undefined),
        );
        for (const { size, store, others } of measured) {
          for (const { name, it } of others) {
            if (it === undefined || store === undefined) continue;
            const time = store.time;
            const what = { contender: contender.name, operation, mode, size };
            rows.push({ ...what, beside: name, other: it.time, time });
          }
        }
      }
    }
    return rows;
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
