import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { startZohoServer } from '@tokenkeep/zoho-server';
import { expect, test } from 'vitest';
import { sdkNames } from './sdks.ts';

const root = resolve(import.meta.dirname, '..');

test.each(sdkNames)('the lines of the README run with %s', async (name) => {
  await using server = await startZohoServer();
  const folder = await mkdtemp(join(tmpdir(), 'zoho-'));
  try {
    const readme = await readFile(join(root, 'README.md'), 'utf8');
    const [, lines = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
    const { url, accountsUrl } = server;
    const program = lines
      .replace("'@zohocrm/typescript-sdk-8.0'", `'${name}'`)
      .replace('sdk.USDataCenter.PRODUCTION()', `new sdk.Environment('${url}', '${accountsUrl}')`)
      .replace('./tokens.db', join(folder, 'tokens.db'));
    const env = {
      ...process.env,
      ZOHO_CLIENT_ID: 'client-1',
      ZOHO_CLIENT_SECRET: 'client-1-secret',
      ZOHO_GRANT_TOKEN: server.issueGrant({ user: 'ada@example.com' }),
    };
    for (const _start of [1, 2]) {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--input-type=module', '--eval', program],
        { env, cwd: root },
      );
      expect(stdout).toMatch(/^200 OAuthToken \{[\s\S]*name: 'ada@example\.com:60001'/);
    }
    expect(server.counts).toMatchObject({ exchanges: 1, refreshes: 0, refused: 0 });
  } finally {
    await rm(folder, { recursive: true });
  }
});
