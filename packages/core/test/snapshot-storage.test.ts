import { OAuthToken, TokenStoreError } from '@tokenkeep/core';
import {
  type Snapshot,
  type SnapshotSource,
  SnapshotStorage,
  STALE,
  StorageTokenStore,
} from '@tokenkeep/core/adapter';
import { expect, test } from 'vitest';

/** A place in memory, which several stores may have in common. */
class MemorySource implements SnapshotSource {
  readonly place = 'the place';
  current: Snapshot = { tag: '', bytes: null };
  reads = 0;
  /** Called when a read has looked at the place, before its answer comes. */
  whileReading: () => Promise<void> = async () => {};

  whileReplacing: () => Promise<void> = async () => {};

  open(): void {}
  close(): void {}

  async read(tag: string | undefined): Promise<Snapshot | undefined> {
    this.reads += 1;
    const { current } = this;
    await this.whileReading();
    return current.tag === tag ? undefined : current;
  }

  async replace(text: string, tag: string, revision: string): Promise<string | typeof STALE> {
    await this.whileReplacing();
    if (tag !== this.current.tag) return STALE;
    this.current = { tag: revision, bytes: Buffer.from(text) };
    return revision;
  }

  translateError(): undefined {}
}

const ada = new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: 'r' });

async function opened() {
  const source = new MemorySource();
  const store = new StorageTokenStore(new SnapshotStorage(source));
  await store.saveToken(ada);
  source.reads = 0;
  return { source, store };
}

test('reads that are asked for in one turn are one', async () => {
  const { source, store } = await opened();
  const finds = Array.from({ length: 20 }, () => store.findToken(ada));
  const [found, all] = await Promise.all([Promise.all(finds), store.getTokens()]);
  expect(source.reads).toBe(1);
  expect(found.map((token) => token?.version)).toEqual(Array.from({ length: 20 }, () => 1));
  expect(all).toHaveLength(1);
  await store.findToken(ada);
  expect(source.reads).toBe(2);
});

test('C13 a find does not share a read that has begun before it', async () => {
  const { source, store } = await opened();
  const other = new StorageTokenStore(new SnapshotStorage(source));
  const reading = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  source.whileReading = () => {
    reading.resolve();
    source.whileReading = async () => {};
    return answer.promise;
  };
  const early = store.findToken(ada);
  await reading.promise;
  await other.saveToken(ada);
  const late = await store.findToken(ada);
  answer.resolve();
  expect(late?.version).toBe(2);
  expect([1, 2]).toContain((await early)?.version);
});

test.each(['before', 'while'])(
  'A4 what reads see is written: a read that begins %s a save that fails',
  async (moment) => {
    const { source, store } = await opened();
    const answer = Promise.withResolvers<void>();
    const read = async () => {
      const reading = Promise.withResolvers<void>();
      source.whileReading = () => {
        reading.resolve();
        source.whileReading = async () => {};
        return answer.promise;
      };
      const results = Promise.all([store.findToken(ada), store.getTokens()]);
      if (moment === 'before') await reading.promise;
      return { results };
    };
    let begun = moment === 'before' ? await read() : undefined;
    source.whileReplacing = async () => {
      begun ??= await read();
      throw new TokenStoreError('THROTTLED', 'Too many requests.');
    };
    const saving = store.saveToken(ada.with({ accessToken: 'x' }));
    await expect(saving).rejects.toMatchObject({ code: 'THROTTLED' });
    answer.resolve();
    const [found, all] = (await begun?.results) ?? [];
    expect(found).toMatchObject({ version: 1, accessToken: undefined });
    expect(all?.map(({ version }) => version)).toEqual([1]);
  },
);

test('calls that share a read that fails each tell their own operation', async () => {
  const { source, store } = await opened();
  source.whileReading = async () => {
    throw new TokenStoreError('RECORD_CORRUPT', 'Damaged.');
  };
  const calls = [store.findToken(ada), store.findTokenById('i'), store.getTokens()];
  const failures = await Promise.all(calls.map((call) => call.catch((error) => error)));
  expect(source.reads).toBe(1);
  expect(failures).toMatchObject([
    { code: 'RECORD_CORRUPT', operation: 'findToken' },
    { code: 'RECORD_CORRUPT', operation: 'findTokenById' },
    { code: 'RECORD_CORRUPT', operation: 'getTokens' },
  ]);
});

test('V4 a refusal keeps its class and its version, whatever the operation', async () => {
  const { store } = await opened();
  const { id = '' } = await store.saveToken(ada);
  await expect(store.deleteToken(id, { ifVersion: 1 })).rejects.toMatchObject({
    name: 'TokenConflictError',
    code: 'VERSION_CONFLICT',
    operation: 'deleteToken',
    currentVersion: 2,
  });
});
