import type { Connection } from './connection.ts';
import { recordIn } from './redis-entry.ts';
import { MIGRATE } from './scripts.ts';

/** Migrates a store of format 1, or goes on with what another process began. */
export async function migrate(connection: Connection, hash: string): Promise<void> {
  await connection.run(MIGRATE, ['more', '0']);
  let cursor = '0';
  do {
    const [next, fields] = (await connection.call('hscan', [hash, cursor, 'COUNT', '500'])) as [
      string,
      string[],
    ];
    cursor = next;
    await connection.run(MIGRATE, ['more', ...partOf(fields)]);
  } while (cursor !== '0');
  await connection.run(MIGRATE, ['last', '0']);
}

/** A value of format 1 begins with its place in the order; see scripts.ts for what the rest is. */
function partOf(fields: readonly string[]): string[] {
  let highestVersion = 0;
  const records: string[] = [];
  for (const [index, value] of fields.entries()) {
    const name = fields[index - 1] ?? '';
    if (index % 2 === 0 || !name.startsWith('record:')) continue;
    const digest = name.slice('record:'.length);
    const [, place = '', rest = value] = /^(\d+) (\S+ .*)$/s.exec(value) ?? [];
    records.push(place, digest, rest);
    try {
      highestVersion = Math.max(highestVersion, recordIn(digest, rest).version);
    } catch {
      // A damaged record stays as it is: it can be deleted.
    }
  }
  return [`${highestVersion}`, ...records];
}
