import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OAuthToken } from '@tokenkeep/core';
import { FileTokenStore } from '@tokenkeep/file';
import { ListTokenStore } from '@tokenkeep/list';
import { MemoryTokenStore } from '@tokenkeep/memory';
import { SqliteTokenStore } from '@tokenkeep/sqlite';

const folder = mkdtempSync(join(tmpdir(), 'tokenkeep-saves-'));
const ada = { userSignature: { name: 'ada' }, clientId: 'c' };
const save = (store, fields, options) => store.saveToken(new OAuthToken(fields), options);

const stores = [
  ['memory', () => new MemoryTokenStore()],
  ['list', () => new ListTokenStore()],
  ['file', () => new FileTokenStore({ path: join(folder, `${crypto.randomUUID()}.json`) })],
  ['sqlite', () => new SqliteTokenStore({ path: join(folder, `${crypto.randomUUID()}.db`) })],
];

/** What a save keeps, on each store that needs no server. */
export const SAVES = stores.flatMap(([name, open]) =>
  [
    {
      given: 'another access token, without an expiry',
      async run(store) {
        await save(store, { ...ada, accessToken: 'A1', expiresIn: 1 });
        const { accessToken, expiresAt, expiresIn } = await save(store, {
          ...ada,
          accessToken: 'A2',
        });
        return { accessToken, expiresAt, expiresIn };
      },
      expected: { accessToken: 'A2', expiresAt: undefined, expiresIn: undefined },
    },
    {
      given: 'extra { instance_url }, then extra { issued_at }',
      async run(store) {
        await save(store, { ...ada, accessToken: 'a', extra: { instance_url: 'https://x' } });
        return { ...(await save(store, { ...ada, extra: { issued_at: 1 } })).extra };
      },
      expected: { instance_url: 'https://x', issued_at: 1 },
    },
    {
      given: 'the copy of a token that went through JSON',
      async run(store) {
        const saved = await save(store, { ...ada, refreshToken: 'r' });
        return save(store, JSON.parse(JSON.stringify(saved)));
      },
      expected: /^INVALID_TOKEN/,
    },
    {
      given: '{ ifversion: 3 }',
      run: (store) => save(store, { ...ada, refreshToken: 'r' }, { ifversion: 3 }),
      expected: /^INVALID_\w+: .*ifversion/,
    },
    {
      given: 'a timer beside 300 awaited saves',
      async run(store) {
        const timer = Promise.withResolvers();
        let fired = false;
        setTimeout(() => {
          fired = true;
          timer.resolve();
        }, 1);
        let saves = 0;
        // 300 saves take longer than a millisecond by far.
        for (; saves < 300 && !fired; saves += 1)
          await save(store, { ...ada, accessToken: `${saves}` });
        return fired ? 'it fired among them' : 'it waited for all of them';
      },
      expected: 'it fired among them',
      // What takes no time keeps nobody waiting.
      only: ['file', 'sqlite'],
    },
  ]
    .filter(({ only }) => only === undefined || only.includes(name))
    .map(({ given, run, expected }) => ({
      given: `${name}: ${given}`,
      expected,
      async run() {
        const store = open();
        try {
          return await run(store);
        } finally {
          await store.close();
        }
      },
    })),
);
