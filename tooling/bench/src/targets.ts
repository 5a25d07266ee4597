import { isFind, type Operation } from './contender.ts';
import type { Row } from './table.ts';

const ON_A_SERVER = { findByUser: 0.8, findByRefreshToken: 0.8, saveExisting: 0.5 };

const LEAST_RATIOS: Readonly<Record<string, Readonly<Partial<Record<Operation, number>>>>> = {
  sqlite: { findByUser: 0.6, findByRefreshToken: 0.6, saveExisting: 0.4, saveNew: 0.4 },
  mysql: ON_A_SERVER,
  postgres: ON_A_SERVER,
  redis: ON_A_SERVER,
  mongo: ON_A_SERVER,
  firestore: ON_A_SERVER,
  dynamodb: ON_A_SERVER,
  // A save is three requests beside one.
  'aws-secrets-manager': { ...ON_A_SERVER, saveExisting: 0.25 },
};

/** How much longer a find may take among a hundred thousand records than among a thousand. */
const MOST_GROWTH = 1.3;

/** Says whether the stores are as fast as they shall be. It does not fail: a busy machine may miss what an idle one meets. */
export function checkTargets(rows: readonly Row[]): void {
  for (const { contender, operation, mode, size, other, time } of rows) {
    const least = LEAST_RATIOS[contender]?.[operation];
    if (least === undefined) continue;
    report(
      other / time >= least,
      `${contender} ${operation}, ${mode}, ${size}: ratio ${(other / time).toFixed(2)}, at least ${least}`,
    );
  }
  const sqlite = rows.filter(({ contender }) => contender === 'sqlite');
  for (const small of sqlite) {
    if (!isFind(small.operation) || small.size !== 1_000) continue;
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
