import { OPERATIONS, type Operation } from './contender.ts';
import { type Mode, PASS } from './measure.ts';

/** One thing measured. */
export interface Row {
  readonly contender: string;
  readonly operation: Operation;
  readonly mode: Mode;
  /** Records in the store. */
  readonly size: number;
  /** Microseconds a call of the bare statement. */
  readonly bare: number;
  /** Microseconds a call of the contender. */
  readonly time: number;
}

/** Prints what was measured of one contender. */
export function printTable(title: string, rows: readonly Row[]): void {
  console.log(
    [
      '',
      title.padEnd(28),
      'records',
      'calls'.padEnd(15),
      '      bare',
      '     store',
      ' ratio',
    ].join('  '),
  );
  for (const { operation, mode, size, bare, time } of rows) {
    const cells = [
      '',
      OPERATIONS[operation].padEnd(28),
      size.toLocaleString('en').padStart(7),
      (mode === 'in flight' ? `${PASS} in flight` : 'one by one').padEnd(15),
      bare.toFixed(1).padStart(10),
      time.toFixed(1).padStart(10),
      ratio(bare / time).padStart(6),
    ];
    console.log(cells.join('  '));
  }
  console.log();
}

function ratio(value: number): string {
  return value >= 0.1 ? value.toFixed(2) : value.toPrecision(1);
}
