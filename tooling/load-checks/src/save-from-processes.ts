import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TokenStoreDefinition } from '@tokenkeep/conformance';

const PROCESSES = 4;
const PROGRAM = fileURLToPath(new URL('./saving-process.ts', import.meta.url));

/**
 * Has four processes save each of so many users so many times, all at once, into a new place.
 *
 * @param inFlight how many saves of each process at once
 * @returns the version of each record that is there afterwards
 */
export async function saveFromProcesses(
  definition: TokenStoreDefinition,
  users: number,
  times: number,
  inFlight = 64,
): Promise<(number | null | undefined)[]> {
  const { module = '', name } = definition;
  const place = await definition.location();
  const store = await definition.open(place);
  try {
    const started = performance.now();
    const ends = Array.from({ length: PROCESSES }, async (_, turn) => {
      const order = { module, name, place, users, times, inFlight, turn, processes: PROCESSES };
      const child = spawn(process.execPath, [PROGRAM, JSON.stringify(order)], {
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      const [code] = await once(child, 'exit');
      return code;
    });
    const codes = await Promise.all(ends);
    if (codes.some((code) => code !== 0)) throw new Error(`the processes ended with ${codes}`);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const tokens = await store.getTokens();
    console.log(
      `${name}: ${tokens.length} records after ${users * times} saves by ${PROCESSES} processes in ${seconds} s`,
    );
    return tokens.map(({ version }) => version);
  } finally {
    await store.close();
    await definition.destroy?.(place);
  }
}
