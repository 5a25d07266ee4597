import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { progressLine } from '../src/cli/progress.ts';
import type { CheckResult } from '../src/index.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What is written while checks end, each so many milliseconds after the one before. */
function written(isTTY: boolean, ...pauses: readonly number[]): string[] {
  const lines: string[] = [];
  const stream = { isTTY, columns: 40, write: (text: string) => lines.push(text) };
  const progress = progressLine(stream as unknown as NodeJS.WriteStream);
  const check = { clause: 'C2', title: 'findTokenById gives the record with that id' } as const;
  const result: CheckResult = { ...check, status: 'failed', failures: [], duration: 1 };
  for (const [ended, pause] of pauses.entries()) {
    vi.advanceTimersByTime(pause);
    progress.show({ check, ended: ended + 1, total: 9, result });
  }
  progress.clear();
  return lines;
}

it('without a terminal a line is printed every few seconds, with what is broken so far', () => {
  const lines = written(false, 1_000, 3_000, 1_500, 100, 6_000);
  expect(lines).toEqual([
    '3 of 9, 3 broken: C2 findTokenById gives the record with that id\n',
    '5 of 9, 5 broken: C2 findTokenById gives the record with that id\n',
  ]);
});

it('on a terminal it is one line, as long as the terminal is wide, which goes at the end', () => {
  expect(written(true, 1, 1)).toEqual([
    '\r\u001b[K1 of 9, 1 broken: C2 findTokenById give',
    '\r\u001b[K2 of 9, 2 broken: C2 findTokenById give',
    '\r\u001b[K',
  ]);
});
