import { existsSync, linkSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { OAuthToken } from '@tokenkeep/core';
import { SqliteTokenStore } from '@tokenkeep/sqlite';

const folder = mkdtempSync(join(tmpdir(), 'tokenkeep-files-'));
const pathOf = (name) => join(folder, name);

async function ready(options) {
  await using store = new SqliteTokenStore(options);
  await store.ready();
  return 'ready';
}

/** A database that another program has made. */
function foreignDatabase(name) {
  const database = new DatabaseSync(pathOf(name));
  database.exec('CREATE TABLE oauthtoken (id TEXT, something TEXT)');
  database.close();
  return pathOf(name);
}

/** Database files that are not what they seem. */
export const FILES = [
  {
    given: 'sqlite: a file with two names (a hard link)',
    async run() {
      await ready({ path: pathOf('one.db') });
      linkSync(pathOf('one.db'), pathOf('two.db'));
      return ready({ path: pathOf('two.db') });
    },
    expected: /^PATH_UNUSABLE: .*(name|link)/,
  },
  {
    given: 'sqlite: path as a URL',
    run: () => ready({ path: pathToFileURL(pathOf('by-url.db')) }),
    expected: 'ready',
  },
  {
    given: 'sqlite: a file of 0 bytes',
    async run() {
      writeFileSync(pathOf('empty.db'), '');
      await using store = new SqliteTokenStore({ path: pathOf('empty.db') });
      return (await store.saveToken(new OAuthToken({ refreshToken: 'r' }))).version;
    },
    expected: 1,
  },
  {
    given: 'sqlite: a file that is no database',
    run() {
      writeFileSync(pathOf('notes.db'), 'notes of mine, and no database at all\n'.repeat(9));
      return ready({ path: pathOf('notes.db') });
    },
    expected: /^NOT_A_DATABASE: .*notes\.db/,
  },
  {
    given: "sqlite: another program's table of that name",
    run: () => ready({ path: foreignDatabase('foreign.db') }),
    expected: /^SCHEMA_UNKNOWN/,
  },
  {
    given: "sqlite: another table in another program's database keeps its journal mode",
    async run() {
      const path = foreignDatabase('beside.db');
      await ready({ path, table: 'tokens' });
      // Bytes 18 and 19 of the header are 2 in WAL mode: https://sqlite.org/fileformat2.html
      return [readFileSync(path)[18], existsSync(`${path}-wal`)];
    },
    expected: [1, false],
  },
];
