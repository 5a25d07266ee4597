import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { requirePath } from '@tokenkeep/core/adapter/file';
import { expect, test } from 'vitest';
import { refuseOpenToAll, refusePlanted } from '../src/adapter/file/file-owner.ts';

test('a path is made absolute, and may be a file: URL', () => {
  expect(requirePath('tokens')).toBe(resolve('tokens'));
  expect(requirePath(pathToFileURL(resolve('a b%')))).toBe(resolve('a b%'));
  expect(requirePath('./~/tokens')).toBe(resolve('~/tokens'));
  expect(requirePath('tokens~')).toBe(resolve('tokens~'));
});

test.each<[unknown, RegExp]>([
  ['~/tokens', /homedir\(\)/],
  ['~', /homedir\(\)/],
  ['~ada/tokens', /homedir\(\)/],
  ['file:tokens', /new URL/],
  ['FILE:///tokens', /new URL/],
  [new URL('https://example.com/tokens'), /file: URL/],
  [new URL('file://host/tokens'), /file: URL/],
  [pathToFileURL(`${homedir()}/`), /file: URL/],
  [undefined, /path of a file/],
  ['', /path of a file/],
  ['folder/', /path of a file/],
  ['a\0b', /path of a file/],
])('a path that can not be meant is refused: %s', (path, advice) => {
  expect(() => requirePath(path)).toThrow(
    expect.objectContaining({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(new RegExp(`^The option path .*${advice.source}`)),
    }),
  );
});

const [root, ada, eve] = [0, 1000, 1001];
const everybody = { uid: root, mode: 0o41777 };
const refused = expect.objectContaining({ code: 'ACCESS_DENIED' });

test('what somebody else has laid into a folder of everybody is refused', () => {
  const planted = { uid: eve, mode: 0o100600 };
  for (const user of [root, ada]) {
    expect(() => refusePlanted('/tmp/tokens', planted, everybody, user)).toThrow(refused);
  }
});

test.each([
  ['this user has laid there', { uid: ada, mode: 0o100600 }, everybody],
  ['root has laid there', { uid: root, mode: 0o100600 }, everybody],
  ['who has the folder has laid there', { uid: eve, mode: 0o100600 }, { uid: eve, mode: 0o40777 }],
  ['lies in a folder of a group', { uid: eve, mode: 0o100660 }, { uid: root, mode: 0o42770 }],
])('what %s is used', (_case, found, folder) => {
  refusePlanted('/folder/tokens', found, folder, ada);
});

test('a file of somebody else that everybody may use is refused, and one of a group is not', () => {
  for (const mode of [0o100644, 0o100666, 0o100602]) {
    expect(() => refuseOpenToAll('/folder/tokens', { uid: eve, mode }, ada)).toThrow(refused);
    refuseOpenToAll('/folder/tokens', { uid: ada, mode }, ada);
  }
  refuseOpenToAll('/folder/tokens', { uid: eve, mode: 0o100660 }, ada);
});
