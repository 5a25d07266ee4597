import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OAuthToken } from '@tokenkeep/core';
import { MemoryTokenStore } from '@tokenkeep/memory';
import { importFromZoho } from '@tokenkeep/zoho';

const folder = mkdtempSync(join(tmpdir(), 'tokenkeep-vendor-'));
const HEADER =
  'id,user_name,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_url,api_domain';

function fileOf(...rows) {
  const file = join(folder, `${crypto.randomUUID()}.txt`);
  writeFileSync(file, [HEADER, ...rows, ''].join('\n'));
  return file;
}

const summary = ({ imported, outdated, known, refused }) => ({
  imported,
  outdated,
  known,
  refused: refused.length,
});

/** What the file of the vendor's FileStore may hold. */
export const VENDOR_FILES = [
  {
    given: 'import: two records of one user, of which the first expires later',
    async run() {
      const store = new MemoryTokenStore();
      const file = fileOf(
        '1,ada,c,s,fresh,a,,1900000000000,,',
        '2,ada,c,s,stale,b,,1800000000000,,',
      );
      await importFromZoho({ file }, store);
      return (await store.getTokens()).map(({ refreshToken }) => refreshToken);
    },
    expected: ['fresh'],
  },
  {
    given: 'import: one row spoilt, one shifted by a comma, one good',
    run: async () =>
      summary(
        await importFromZoho(
          {
            file: fileOf(
              '1,ada,c,s,r,a,,soon,,',
              '2,bob,c,se,cret,r,a,,1900000000000,https://a',
              '3,eve,c,s,r3,a,,1900000000000,,',
            ),
          },
          new MemoryTokenStore(),
        ),
      ),
    expected: { imported: 1, outdated: 0, known: 0, refused: 2 },
  },
  {
    given: 'import: a mistyped path',
    async run() {
      const file = join(folder, 'no-such-file.txt');
      try {
        return await importFromZoho({ file }, new MemoryTokenStore());
      } catch (error) {
        return `${error.code}, and ${existsSync(file) ? 'a file was made' : 'no file was made'}`;
      }
    },
    expected: 'PATH_UNUSABLE, and no file was made',
  },
  {
    given: 'import: once more, after a refresh in the new store',
    async run() {
      const store = new MemoryTokenStore();
      const file = fileOf('1,ada,c,s,old,a,,1900000000000,,');
      await importFromZoho({ file }, store);
      await store.saveToken(new OAuthToken({ id: '1', refreshToken: 'new' }));
      const report = summary(await importFromZoho({ file }, store));
      return { ...report, left: (await store.getTokens()).map(({ refreshToken }) => refreshToken) };
    },
    expected: { imported: 0, outdated: 0, known: 1, refused: 0, left: ['new'] },
  },
];
