import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sample-'));
});
afterEach(() => rm(folder, { recursive: true }));

interface Run {
  code: number | null;
  output: string;
}

/** `npm start` with these settings and no others. */
function start(settings: NodeJS.ProcessEnv = {}): Promise<Run> {
  const env = {
    PATH: process.env['PATH'],
    NODE_OPTIONS: process.env['NODE_OPTIONS'],
    STORE: `sqlite:${join(folder, 'tokens.db')}`,
    STAND_IN_STATE: join(folder, 'stand-in.json'),
    ...settings,
  };
  const main = resolve(import.meta.dirname, '../src/main.ts');
  return new Promise((done) => {
    const child = execFile(process.execPath, [main], { env }, (_error, stdout, stderr) => {
      done({ code: child.exitCode, output: stdout + stderr });
    });
  });
}

test('the first start logs in and refreshes once, and the second does neither', async () => {
  const first = await start();
  expect(first.output).toContain('Talking to a stand-in for Zoho on this machine');
  expect(first.output).toContain('The store has no token yet');
  expect(first.output).toContain('logins: 1, refreshes: 1, API calls: 4, refused: 0');
  expect(first.code).toBe(0);

  const second = await start();
  expect(second.output).toContain('a token of ada@example.com:60001: no login needed');
  expect(second.output).toContain('the modules are Leads, Contacts, Deals');
  expect(second.output).toContain('logins: 0, refreshes: 0, API calls: 1, refused: 0');
  expect(second.code).toBe(0);
});

test('the table shows the record and no secret', async () => {
  const { output } = await start();
  const [, row = ''] = /^-[ -]+\n(.*)$/m.exec(output) ?? [];
  expect(row.split(/ {2,}/)).toEqual([
    expect.stringMatching(/^[0-9a-f]{8}…$/),
    'ada@example.com:60001',
    'sample-client',
    '[redacted]',
    '[redacted]',
    expect.stringMatching(/^\d\d:\d\d:\d\d$/),
    // The bridge takes a lease before it asks, so there are more saves than one sees.
    expect.stringMatching(/^\d+$/),
  ]);
  expect(output).not.toMatch(/1000\.[0-9a-f]/);
  expect(output).not.toContain('sample-secret');
});

test.each(['file:tokens.json', 'memory:', 'list:'])('STORE=%s', async (address) => {
  const { output, code } = await start({ STORE: address.replace(':t', `:${folder}/t`) });
  expect(output).toContain('logins: 1, refreshes: 1');
  expect(code).toBe(0);
});

test('shows no password of a server', async () => {
  const { output } = await start({ STORE: 'redis://ada:hunter2@127.0.0.1:1' });
  expect(output).toContain('Keeping tokens in redis://ada:…@127.0.0.1:1');
  expect(output).not.toContain('hunter2');
});

test.each([
  ['an unknown store', { STORE: 'paper:' }, /STORE=paper: .* one of: sqlite, file, memory, list/],
  ['no secret', { ZOHO_CLIENT_ID: 'id', ZOHO_DATA_CENTER: 'eu' }, /set ZOHO_CLIENT_SECRET too/],
  ['no data center', { ZOHO_CLIENT_ID: 'id' }, /set ZOHO_DATA_CENTER too/],
  ['an unknown data center', { ZOHO_CLIENT_ID: 'id', ZOHO_DATA_CENTER: 'uk' }, /one of: us, eu/],
  [
    'no grant token for the first start',
    { ZOHO_CLIENT_ID: 'id', ZOHO_CLIENT_SECRET: 'secret', ZOHO_DATA_CENTER: 'eu' },
    /set ZOHO_GRANT_TOKEN too/,
  ],
])('%s: it says what to set', async (_title, settings, message) => {
  const { output, code } = await start(settings);
  expect(output).toMatch(message);
  expect(code).toBe(1);
});
