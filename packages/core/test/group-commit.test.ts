import { TokenStoreError } from '@tokenkeep/core';
import { GroupCommit, type Work } from '@tokenkeep/core/adapter';
import { afterEach, describe, expect, test, vi } from 'vitest';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Commits into a list, and fails where `fault` says so, with nothing written. */
function listCommit(fault: (added: readonly number[]) => unknown = () => undefined) {
  const written: number[][] = [];
  const commit = (work: Work<number[]>): void => {
    const added: number[] = [];
    work(added);
    const error = fault(added);
    if (error !== undefined) throw error;
    written.push(added);
  };
  return { written, commit };
}

const shared = () => true;
const own = () => false;

describe('works that come at once', () => {
  test('share a commit, and get what they gave', async () => {
    const { written, commit } = listCommit();
    const group = new GroupCommit(commit, shared);
    const results = await Promise.all([1, 2, 3].map((n) => group.add((list) => list.push(n))));
    expect(written).toEqual([[1, 2, 3]]);
    expect(results).toEqual([1, 2, 3]);
  });

  test('are parted where they would take long, in the order in which they came', async () => {
    let clock = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => clock);
    const { written, commit } = listCommit();
    const group = new GroupCommit(commit, shared);
    const numbers = Array.from({ length: 23 }, (_, n) => n);
    await Promise.all(
      numbers.map((n) =>
        group.add((list) => {
          clock += 1;
          list.push(n);
        }),
      ),
    );
    expect(written.map((list) => list.length)).toEqual([5, 5, 5, 5, 3]);
    expect(written.flat()).toEqual(numbers);
  });

  test('are not failed by one that is refused', async () => {
    const { written, commit } = listCommit();
    const group = new GroupCommit(commit, shared);
    const refusal = new TokenStoreError('INVALID_TOKEN', 'refused');
    const results = await Promise.allSettled([
      group.add((list) => list.push(1)),
      group.add(() => {
        throw refusal;
      }),
      group.add((list) => list.push(3)),
    ]);
    expect(results).toMatchObject([
      { status: 'fulfilled' },
      { reason: refusal },
      { status: 'fulfilled' },
    ]);
    expect(written).toEqual([[1, 3]]);
  });

  test.each([
    ['all fail with a fault that they share', shared, ['rejected', 'rejected', 'rejected'], []],
    [
      'are tried alone after a fault of one',
      own,
      ['fulfilled', 'rejected', 'fulfilled'],
      [[1], [3]],
    ],
  ])('%s', async (_title, isShared, statuses, expected) => {
    const { written, commit } = listCommit((added) =>
      added.includes(2) ? new Error('does not fit') : undefined,
    );
    const group = new GroupCommit(commit, isShared);
    const results = await Promise.allSettled(
      [1, 2, 3].map((n) => group.add((list) => list.push(n))),
    );
    expect(results.map(({ status }) => status)).toEqual(statuses);
    expect(written).toEqual(expected);
  });
});
