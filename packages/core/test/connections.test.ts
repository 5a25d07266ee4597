import { describe, expect, it } from 'vitest';
import { type ConnectionPool, Connections, clearInBatches } from '../src/adapter/server/index.ts';
import { TokenStoreError } from '../src/index.ts';

const never = new Promise<never>(() => {});
const answer = { rows: [], rowCount: 0 };
const broken = () => Promise.reject(new TokenStoreError('CONNECTION_FAILED', 'it broke'));

/** Connections whose statements are answered in turn, and what was done on them. */
function scripted(...answers: (() => Promise<typeof answer>)[]) {
  const log: string[] = [];
  const pool: ConnectionPool = {
    async borrow() {
      return {
        send(sql) {
          log.push(sql);
          return (answers.shift() ?? (async () => answer))();
        },
        giveBack: (isSound) => log.push(isSound ? 'kept' : 'closed'),
      };
    },
    async close() {
      log.push('end');
    },
  };
  return { log, pool };
}

async function opened(pool: ConnectionPool): Promise<Connections> {
  const connections = new Connections({
    timeout: 50,
    server: 'db:1',
    sizeOption: 'max',
    begin: 'BEGIN',
    openPool: async () => pool,
    isLostRace: (error) => error instanceof Error && error.message === 'lost',
    translateError: (error) => (error instanceof TokenStoreError ? error : undefined),
  });
  await connections.open();
  return connections;
}

describe('a piece of work', () => {
  it('leaves a connection that failed otherwise to the next', async () => {
    const { log, pool } = scripted(() => Promise.reject(new Error('no such table')));
    const connections = await opened(pool);
    await expect(connections.retry((send) => send('SELECT'))).rejects.toThrow('no such table');
    expect(log).toEqual(['SELECT', 'kept']);
  });

  it('is repeated on another connection where one broke, if it may be', async () => {
    const { log, pool } = scripted(broken);
    const connections = await opened(pool);
    expect(await connections.retry((send) => send('SELECT'))).toBe(answer);
    expect(log).toEqual(['SELECT', 'closed', 'SELECT', 'kept']);
    const once = await opened(scripted(broken).pool);
    await expect(once.use((send) => send('UPDATE'))).rejects.toMatchObject({
      code: 'CONNECTION_FAILED',
    });
  });

  it('ends where every connection is broken', async () => {
    const { log, pool } = scripted(...Array.from({ length: 100 }, () => broken));
    const connections = await opened(pool);
    await expect(connections.retry((send) => send('SELECT'))).rejects.toThrow('it broke');
    expect(log.filter((entry) => entry === 'SELECT')).toHaveLength(11);
  });

  it('closes a connection that does not answer in time', async () => {
    const { log, pool } = scripted(() => never);
    const connections = await opened(pool);
    const late = connections.use((send) => send('SELECT'));
    await expect(late).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true });
    expect(log).toEqual(['SELECT', 'closed']);
  });

  it('gives a connection back that comes too late', async () => {
    const { log, pool } = scripted();
    const coming = Promise.withResolvers<Awaited<ReturnType<ConnectionPool['borrow']>>>();
    const connections = await opened({ ...pool, borrow: () => coming.promise });
    await expect(connections.use((send) => send('SELECT'))).rejects.toThrow('raise max');
    coming.resolve(await pool.borrow());
    await coming.promise;
    await Promise.resolve();
    expect(log).toEqual(['kept']);
  });
});

describe('a transaction', () => {
  it.each([
    [true, 'COMMIT'],
    [false, 'ROLLBACK'],
  ])('of work that gives %s ends with %s', async (isDone, end) => {
    const { log, pool } = scripted();
    expect(await (await opened(pool)).transaction(async () => isDone)).toBe(isDone);
    expect(log).toEqual(['BEGIN', end, 'kept']);
  });

  it('is rolled back where the work fails', async () => {
    const { log, pool } = scripted();
    const failing = (await opened(pool)).transaction(async () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(log).toEqual(['BEGIN', 'ROLLBACK', 'kept']);
  });

  it('that lost a race is rolled back, and gives false', async () => {
    const { log, pool } = scripted();
    const connections = await opened(pool);
    const losing = async () => {
      throw new Error('lost');
    };
    expect(await connections.transaction(losing)).toBe(false);
    expect(log).toEqual(['BEGIN', 'ROLLBACK', 'kept']);
    expect(await connections.write(losing)).toBe(false);
  });

  it('is begun again on another connection, but not where the answer to COMMIT is lost', async () => {
    const again = scripted(broken);
    expect(await (await opened(again.pool)).transaction(async () => true)).toBe(true);
    expect(again.log).toEqual(['BEGIN', 'closed', 'BEGIN', 'COMMIT', 'kept']);
    const lost = scripted(async () => answer, broken);
    const transaction = (await opened(lost.pool)).transaction(async () => true);
    await expect(transaction).rejects.toMatchObject({ code: 'CONNECTION_FAILED' });
    expect(lost.log).toEqual(['BEGIN', 'COMMIT', 'closed']);
  });
});

describe('rows that are removed in batches', () => {
  /** Gives the newest position, then whether rows are left. */
  const tableOf = (newest: number, hasRows: () => boolean) => ({
    table: 't',
    connections: {
      rows: async (sql: string) => {
        if (sql.includes('max(position)')) return [{ position: newest }];
        return hasRows() ? [{}] : [];
      },
    },
  });

  it('and were locked are tried again from the first on', async () => {
    const left = new Set([1, 2, 3, 4, 5]);
    let locked = 2;
    const seen: number[] = [];
    await clearInBatches({
      ...tableOf(4, () => Math.min(...left) <= 4),
      timeout: 10_000,
      async remove(after, last) {
        seen.push(after);
        const next = [...left].find((row) => row > after && row <= last && row !== locked);
        if (next === undefined) locked = 0;
        else left.delete(next);
        return next;
      },
    });
    expect(seen).toEqual([0, 1, 3, 4, 0, 2]);
    expect([...left]).toEqual([5]);
  });

  it('and stay locked are told in time', async () => {
    const clearing = clearInBatches({
      ...tableOf(1, () => true),
      timeout: 20,
      remove: async () => undefined,
    });
    await expect(clearing).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true });
  });
});
