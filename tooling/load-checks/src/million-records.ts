import { fork } from 'node:child_process';
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { TokenStoreDefinition } from '@tokenkeep/conformance';
import { OAuthToken, type TokenStore } from '@tokenkeep/core';

// What a store does with very many records, and what that does to others:
// `million-records.ts MODULE NAME [RECORDS]`, where MODULE exports a definition with that NAME.

/** What one operation on all records came to. */
export interface LargeRun {
  readonly operation: string;
  readonly seconds: number;
  /** How much more memory the process had at the highest than before. */
  readonly megabytes: number;
  /** The longest time for which the event loop stood still: milliseconds. */
  readonly longestStop: number;
  /** The longest time that a find, and a save, of another process took meanwhile: milliseconds. */
  readonly longestFind: number;
  readonly longestSave: number;
}

/** What was measured of one store. */
export interface LargeStore {
  readonly runs: readonly LargeRun[];
  /** How long a find takes, in the middle, by how many records there are: microseconds. */
  readonly finds: Readonly<Record<string, number>>;
}

/** What the process beside reports; see probing-process.ts. */
export interface Probe {
  readonly finds: number;
  readonly longestFind: number;
  readonly longestSave: number;
}

/** Saves at a time while the store is filled. */
const IN_FLIGHT = 256;

/** The number of records that finds among many are compared with. */
const SMALL = 1_000;

/** How many finds are timed, one after the other. */
const TIMED_FINDS = 4_000;

/** How often the event loop is looked at: milliseconds. */
const RESOLUTION = 5;

/**
 * Fills a new place with so many records, iterates, lists and deletes them, and measures that.
 */
export async function measureLargeStore(
  definition: TokenStoreDefinition,
  records: number,
): Promise<LargeStore> {
  const { module = '', name } = definition;
  const place = await definition.location();
  const store = await definition.open(place);
  const order = JSON.stringify({ module, name, place });
  const runs: LargeRun[] = [];
  const finds: Record<string, number> = {};
  const measure = async (operation: string, work: () => Promise<void>): Promise<void> => {
    const program = fileURLToPath(new URL('./probing-process.ts', import.meta.url));
    const prober = fork(program, [order]);
    await once(prober, 'message');
    const before = process.memoryUsage().rss;
    let highest = before;
    const sampling = setInterval(() => {
      highest = Math.max(highest, process.memoryUsage().rss);
    }, 50);
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
    delay.enable();
    const started = performance.now();
    await work();
    const seconds = (performance.now() - started) / 1_000;
    delay.disable();
    clearInterval(sampling);
    prober.send('stop');
    const [probe]: Probe[] = await once(prober, 'message');
    if (probe === undefined || probe.finds === 0) throw new Error('the process beside did nothing');
    runs.push({
      operation,
      seconds,
      megabytes: (highest - before) / 2 ** 20,
      longestStop: Math.max(0, delay.max / 1e6 - RESOLUTION),
      ...probe,
    });
  };
  try {
    if (records > SMALL) {
      await saveAll(store, SMALL);
      finds[`${SMALL}`] = await medianFind(store, SMALL);
    }
    await measure(`add ${records}`, () => saveAll(store, records));
    finds[`${records}`] = await medianFind(store, records);
    await measure('iterate', async () => {
      let count = 0;
      for await (const _token of store.tokens?.() ?? []) count += 1;
      requireAll(count, records);
    });
    await measure('getTokens', async () => requireAll((await store.getTokens()).length, records));
    await measure('deleteTokens', () => store.deleteTokens());
    const left = (await store.getTokens()).length;
    if (left > 1) throw new Error(`${left} records were left`);
  } finally {
    await store.close();
    await definition.destroy?.(place);
  }
  return { runs, finds };
}

async function saveAll(store: TokenStore, records: number): Promise<void> {
  let next = 0;
  const saveSome = async (): Promise<void> => {
    while (next < records) {
      const name = `user ${next++}`;
      await store.saveToken(
        new OAuthToken({
          userSignature: { name },
          refreshToken: `1000.refresh.${name}`,
          accessToken: `1000.access.${name}`,
          apiDomain: 'https://www.zohoapis.com',
          expiresIn: 3_600,
        }),
      );
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, saveSome));
}

/** @returns the median of finds by user name, all over the place: microseconds */
async function medianFind(store: TokenStore, records: number): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < TIMED_FINDS; turn += 1) {
    const user = (turn * 7_919) % records;
    const token = new OAuthToken({ userSignature: { name: `user ${user}` } });
    const started = performance.now();
    const found = await store.findToken(token);
    times.push(performance.now() - started);
    if (found === null) throw new Error(`user ${user} was not found`);
  }
  const median = times.toSorted((one, other) => one - other)[TIMED_FINDS / 2] ?? 0;
  return Math.round(median * 1_000);
}

/** The process beside has a record of its own. */
function requireAll(found: number, records: number): void {
  if (found < records) throw new Error(`${found} of ${records} records were found`);
}

if (import.meta.main) {
  const [module = '', name, records = '1000000'] = process.argv.slice(2);
  const exported: Record<string, TokenStoreDefinition> = await import(module);
  const definition = Object.values(exported).find((one) => one.name === name);
  if (definition === undefined) throw new Error(`${module} exports no definition named ${name}`);
  const { runs, finds } = await measureLargeStore(definition, Number(records));
  const rounded = (value: unknown) =>
    typeof value === 'number' ? Math.round(value * 10) / 10 : value;
  console.table(
    runs.map((run) =>
      Object.fromEntries(Object.entries(run).map(([label, value]) => [label, rounded(value)])),
    ),
  );
  console.log('microseconds a find, by the number of records:', finds);
  process.exit();
}
