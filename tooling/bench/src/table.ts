import { OPERATIONS, type Operation } from './contender.ts';
import { type Mode, PASS } from './measure.ts';

/** One thing measured. */
export interface Row {
  readonly contender: string;
  readonly operation: Operation;
  readonly mode: Mode;
  /** Records in the store. */
  readonly size: number;
  /** What it is compared with: `bare`, or the name of a peer. */
  readonly beside: string;
  /** Microseconds a call of that. */
  readonly other: number;
  /** Microseconds a call of the contender. */
  readonly time: number;
}

/** Prints what was measured of one contender beside one other. */
export function printTable(rows: readonly Row[]): void {
  const [first] = rows;
  if (first === undefined) return;
  console.log(
    [
      '',
      first.contender.padEnd(28),
      'records',
      'calls'.padEnd(15),
      first.beside.padStart(10),
      '     store',
      ' ratio',
    ].join('  '),
  );
  for (const { operation, mode, size, other, time } of rows) {
    const cells = [
      '',
      OPERATIONS[operation].padEnd(28),
      size.toLocaleString('en').padStart(7),
      (mode === 'in flight' ? `${PASS} in flight` : 'one by one').padEnd(15),
      other.toFixed(1).padStart(10),
      time.toFixed(1).padStart(10),
      ratio(other / time).padStart(6),
    ];
    console.log(cells.join('  '));
  }
  console.log();
}

function ratio(value: number): string {
  return value >= 0.1 ? value.toFixed(2) : value.toPrecision(1);
}
