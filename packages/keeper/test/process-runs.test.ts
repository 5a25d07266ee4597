import process from 'node:process';
import { afterAll, beforeAll, describe, test } from 'vitest';
import firestore from '../../firestore/test/definition.ts';
import mongo from '../../mongo/test/definition.ts';
import { mysql } from '../../mysql/test/definition.ts';
import { single as redis } from '../../redis/test/definition.ts';
import sqlite from '../../sqlite/test/definition.ts';
import { ROTATIONS, SCENARIOS } from './processes/scenarios.ts';
import { StoreRuns } from './processes/store-runs.ts';
import { type Row, tableOf } from './processes/table.ts';

const STORES = { sqlite, mysql, redis, mongo, firestore };

/** `pnpm process-runs` runs every scenario with every kind of provider on every store. */
const isWhole = process.env['PROCESS_RUNS'] === 'whole';

const rows: Row[] = [];
afterAll(() => {
  // They end in any order.
  const places = Object.keys(STORES).flatMap((store) =>
    SCENARIOS.flatMap(({ title }) => ROTATIONS.map((rotation) => `${store} ${title} ${rotation}`)),
  );
  const placeOf = ({ store, title, rotation }: Row) =>
    places.indexOf(`${store} ${title} ${rotation}`);
  console.log(tableOf(rows.sort((one, other) => placeOf(one) - placeOf(other))));
});

describe.each(Object.entries(STORES))('%s', (store, definition) => {
  let runs: StoreRuns;
  beforeAll(async () => {
    runs = await StoreRuns.begin(definition);
  });
  afterAll(() => runs?.[Symbol.asyncDispose]());

  const cases = SCENARIOS.flatMap((scenario) => {
    const { title, always = ['revokes'] } = scenario;
    const rotations = isWhole || store === 'sqlite' ? ROTATIONS : always;
    return rotations.map((rotation) => ({ title, rotation, scenario }));
  });

  // They mostly wait, each of a user of its own.
  test.concurrent.each(cases)(
    '$title: a provider that $rotation',
    async ({ title, rotation, scenario }) => {
      await using run = await runs.run(rotation);
      try {
        await scenario.play(run, rotation);
      } finally {
        rows.push({ store, rotation, title, ...run.figures() });
      }
    },
    180_000,
  );
});
