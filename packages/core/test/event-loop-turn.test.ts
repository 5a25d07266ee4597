import { EventLoopTurn } from '@tokenkeep/core/adapter';
import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Works of a millisecond each by a clock that only they move, so that ten of them are a turn. */
function works(count: number): (() => Promise<void>)[] {
  let clock = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => clock);
  const turn = new EventLoopTurn();
  return Array.from({ length: count }, () => async () => {
    await turn.run(() => {
      clock += 1;
    });
  });
}

test('many calls at once are queued once each: turns grow with their number, and nothing else does', async () => {
  const immediate = vi.spyOn(globalThis, 'setImmediate');
  await Promise.all(works(1_000).map((work) => work()));
  expect(immediate.mock.calls.length).toBe(100);
});

test('calls one after the other let the event loop have its turn', async () => {
  const immediate = vi.spyOn(globalThis, 'setImmediate');
  for (const work of works(100)) await work();
  expect(immediate.mock.calls.length).toBe(10);
});

test('calls are done in the order in which they came, and each has its own outcome', async () => {
  let clock = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => clock);
  const turn = new EventLoopTurn();
  const done: number[] = [];
  const outcomes = await Promise.allSettled(
    Array.from({ length: 30 }, async (_, place) =>
      turn.run(() => {
        clock += 4;
        done.push(place);
        if (place === 20) throw new Error('the twentieth');
        return place;
      }),
    ),
  );
  expect(done).toEqual(done.toSorted((a, b) => a - b));
  expect(outcomes.flatMap(({ status }, place) => (status === 'rejected' ? [place] : []))).toEqual([
    20,
  ]);
});
