import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { TokenRecord } from '@tokenkeep/core';
import Database from 'better-sqlite3';
import type { Contender } from '../contender.ts';
import { refreshToken, someUser, tokenOf, userName } from '../tokens.ts';
import { sqlite } from './sqlite.ts';

const COLUMNS =
  'id, user_name, client_id, client_secret, refresh_token, access_token, grant_token, expiry_time, redirect_url, api_domain, scope, token_type, version, extra';

/**
 * What everything is compared with: prepared statements of better-sqlite3 on the table that our
 * store makes, with the same settings. They match nothing, merge nothing and check nothing, know
 * the id of what they save, and give a row instead of a token.
 */
export const bareSqlite: Contender = {
  name: 'bare statements',
  async setUp(folder, tokens) {
    const filled = await sqlite.setUp(folder, tokens);
    await filled.close();
    const database = new Database(join(folder, 'tokens.db'));
    database.exec('PRAGMA synchronous = FULL; PRAGMA secure_delete = ON');
    const findByUser = database.prepare(`SELECT ${COLUMNS} FROM oauthtoken WHERE user_name = ?`);
    const findByRefreshToken = database.prepare(
      `SELECT ${COLUMNS} FROM oauthtoken WHERE refresh_token = ?`,
    );
    const save = database.prepare(
      `INSERT INTO oauthtoken (${COLUMNS}) VALUES (${COLUMNS.replace(/\w+/g, '?')})
       ON CONFLICT (id) DO UPDATE SET ${COLUMNS.replace(/\w+/g, '$& = excluded.$&')}`,
    );
    const ids = database.prepare('SELECT id FROM oauthtoken ORDER BY position').pluck().all();
    return {
      calls: {
        findByUser: (turn) => {
          const name = userName(someUser(turn, tokens.length));
          return () => findByUser.get(name);
        },
        findByRefreshToken: (turn) => {
          const token = refreshToken(someUser(turn, tokens.length));
          return () => findByRefreshToken.get(token);
        },
        saveExisting: (turn) => {
          const user = someUser(turn, tokens.length);
          const token = tokenOf(user).with({ accessToken: `1000.renewed.${turn}` });
          const row = rowOf(String(ids[user]), token.toRecord());
          return () => save.run(row);
        },
        saveNew: (turn) => {
          const row = rowOf(
            randomBytes(16).toString('hex'),
            tokenOf(tokens.length + turn).toRecord(),
          );
          return () => save.run(row);
        },
      },
      close: () => database.close(),
    };
  },
};

function rowOf(id: string, token: TokenRecord): unknown[] {
  return [
    id,
    token.userName,
    token.clientId,
    token.clientSecret,
    token.refreshToken,
    token.accessToken,
    null,
    token.expiresAt,
    token.redirectUrl,
    token.apiDomain,
    token.scope,
    token.tokenType,
    1,
    null,
  ];
}
