import type { Operation } from './contender.ts';
import type { Row } from './table.ts';

const LEAST_RATIO: Readonly<Record<Operation, number>> = {
  findByUser: 0.6,
  findByRefreshToken: 0.6,
  saveExisting: 0.4,
  saveNew: 0.4,
};

/** How much longer a find may take among a hundred thousand records than among a thousand. */
const MOST_GROWTH = 1.3;

/** Says whether the SQLite store is as fast as it shall be. It does not fail: a busy machine may miss what an idle one meets. */
export function checkTargets(rows: readonly Row[]): void {
  const sqlite = rows.filter(({ contender }) => contender === 'sqlite');
  for (const { operation, mode, size, bare, time } of sqlite) {
    const least = LEAST_RATIO[operation];
    report(
      bare / time >= least,
      `sqlite ${operation}, ${mode}, ${size}: ratio ${(bare / time).toFixed(2)}, at least ${least}`,
    );
  }
  for (const small of sqlite) {
    if (!small.operation.startsWith('find') || small.size !== 1_000) continue;
    const large = sqlite.find(
      ({ operation, mode, size }) =>
        size === 100_000 && operation === small.operation && mode === small.mode,
    );
    const growth = (large?.time ?? Number.NaN) / small.time;
    report(
      growth <= MOST_GROWTH,
      `sqlite ${small.operation}, ${small.mode}, 100,000 records over 1,000: ${growth.toFixed(2)}, at most ${MOST_GROWTH}`,
    );
  }
}

function report(isMet: boolean, target: string): void {
  console.log(`${isMet ? 'met   ' : 'MISSED'}  ${target}`);
}
