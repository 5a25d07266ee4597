import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OAuthToken } from '@tokenkeep/core';
import { FileTokenStore } from '@tokenkeep/file';
import { freshFolder } from '@tokenkeep/path-checks';
import { expect, test } from 'vitest';

test('a file of the former version keeps every record, and is refused by that version after a save', async () => {
  const path = join(freshFolder(), 'tokens.json');
  copyFileSync(fileURLToPath(new URL('former/version-1', import.meta.url)), path);
  await using store = new FileTokenStore({ path });
  await using another = new FileTokenStore({ path });
  const ada = new OAuthToken({ userSignature: { name: 'ada' }, clientId: 'c1' });
  expect(await store.getTokens()).toHaveLength(3);
  expect(await store.findToken(ada)).toMatchObject({
    id: 'given',
    version: 2,
    scope: 'second save',
    extra: { instance: 'é\0', nested: [1, null] },
  });
  await Promise.all([
    store.saveToken(ada.with({ issuer: 'https://issuer' })),
    another.saveToken(ada.with({ lease: 'l' })),
  ]);
  expect(await another.findToken(ada)).toMatchObject({
    version: 4,
    issuer: 'https://issuer',
    lease: 'l',
  });
  // It takes any other number than 1 for SCHEMA_UNKNOWN.
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ tokenkeep: 2 });
});
