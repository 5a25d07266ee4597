import { describe, expect, it } from 'vitest';
import {
  keyDigest,
  keysOf,
  OptimisticSaver,
  planSave,
  type StoredRecord,
  type TokenRecord,
} from '../src/index.ts';

/** One record behind a compare-and-set, as on a server: reading and writing each take a turn of the loop. */
class CompareAndSet {
  record: StoredRecord | undefined;
  reads = 0;
  refused = 0;

  save(saver: OptimisticSaver, token: TokenRecord): Promise<void> {
    const keys = keysOf(token);
    return saver.save(keys, (candidates) => planSave(token, candidates, keys).change ?? null, {
      read: async () => {
        this.reads += 1;
        await new Promise(setImmediate);
        return this.record === undefined ? [] : [this.record];
      },
      write: async (change) => {
        await new Promise(setImmediate);
        if (this.record?.version !== change.replaces?.version) {
          this.refused += 1;
          return false;
        }
        this.record = change.record;
        return true;
      },
    });
  }
}

const ada = { userName: 'ada', refreshToken: 'r' };

describe('OptimisticSaver', () => {
  it('a save whose fields have the same value does not wait for itself, and the next one waits for it', async () => {
    const storage = new CompareAndSet();
    const saver = new OptimisticSaver();
    const token = { userName: 'same', refreshToken: 'same' };
    await Promise.all([1, 2, 3].map(() => storage.save(saver, token)));
    expect(storage).toMatchObject({ refused: 0, record: { version: 3 } });
  });

  it('reads again until what it decided on is still true', async () => {
    const shared = new CompareAndSet();
    const savers = Array.from({ length: 8 }, () => new OptimisticSaver());
    await Promise.all(savers.map((saver) => shared.save(saver, ada)));
    expect(shared.record?.version).toBe(8);
    expect(shared.refused).toBeGreaterThan(0);
  });

  it('does not race against its own process', async () => {
    const shared = new CompareAndSet();
    const saver = new OptimisticSaver();
    await Promise.all(Array.from({ length: 64 }, () => shared.save(saver, ada)));
    expect(shared).toMatchObject({ reads: 64, refused: 0 });
  });

  it('lets saves of other users pass one that waits', async () => {
    const saver = new OptimisticSaver();
    const { promise, resolve } = Promise.withResolvers<[]>();
    const storage = { read: () => promise, write: async () => true };
    const slow = saver.save(keysOf(ada), () => null, storage);
    await saver.save(keysOf({ userName: 'bob' }), () => null, { ...storage, read: async () => [] });
    resolve([]);
    await slow;
  });

  it('gives up in the end, and leaves the line', async () => {
    const saver = new OptimisticSaver(0);
    const change = { record: { id: '1', version: 1 }, replaces: null, absorbs: [] };
    const never = { read: async () => [], write: async () => false };
    const failure = { code: 'CONTENTION', retryable: true };
    await expect(saver.save(keysOf(ada), () => change, never)).rejects.toMatchObject(failure);
    await expect(saver.save(keysOf(ada), () => null, never)).resolves.toBeUndefined();
  });

  it('gives the error of a decision to the one who asked, and to no other', async () => {
    const saver = new OptimisticSaver();
    const storage = { read: async () => [], write: async () => true };
    const refused = saver.save(
      keysOf(ada),
      () => {
        throw new Error('no');
      },
      storage,
    );
    const next = saver.save(keysOf(ada), () => null, storage);
    await expect(refused).rejects.toThrow('no');
    await expect(next).resolves.toBeUndefined();
  });
});

describe('keyDigest', () => {
  it('is 64 lower-case hexadecimal digits, and differs by field, case and blank', () => {
    const keys = [
      { field: 'id', value: 'a' },
      { field: 'userName', value: 'a' },
      { field: 'userName', value: 'A' },
      { field: 'userName', value: 'a ' },
      { field: 'userName', value: 'a\0' },
    ] as const;
    const digests = keys.map(keyDigest);
    expect(new Set(digests).size).toBe(keys.length);
    for (const digest of digests) expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });
});
