import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { linksIn, targetIn, withSiteLinks } from '../src/links.ts';
import { PAGES } from '../src/pages.ts';

const repository = resolve(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(join(repository, file), 'utf8');

test('every package has its page', () => {
  const readmes = readdirSync(join(repository, 'packages')).map(
    (name) => `packages/${name}/README.md`,
  );
  expect(readmes.length).toBeGreaterThan(10);
  const files = PAGES.map(({ file }) => file);
  expect(readmes.filter((readme) => !files.includes(readme))).toEqual([]);
});

test('every package but the command has its part of the API pages', () => {
  const { entryPoints } = JSON.parse(read('apps/docs/typedoc.json'));
  const packages = readdirSync(join(repository, 'packages'))
    .filter((name) => name !== 'create-store')
    .map((name) => `../../packages/${name}`);
  expect(entryPoints.toSorted()).toEqual(packages.toSorted());
});

test('everything that is written in docs has its page', () => {
  const files = PAGES.map(({ file }) => file);
  const written = readdirSync(join(repository, 'docs')).map((name) => `docs/${name}`);
  expect(written.filter((file) => file.endsWith('.md') && !files.includes(file))).toEqual([]);
});

const others = [
  'README.md',
  'apps/sample/README.md',
  'apps/web-sample/README.md',
  'tooling/servers/README.md',
  'tooling/bench/README.md',
];

test.each([...PAGES.map(({ file }) => file), ...others])(
  '%s has links that lead somewhere',
  (file) => {
    const broken = linksIn(read(file)).filter((link) => {
      const target = targetIn(file, link);
      const anchor = link.split('#')[1];
      if (target === undefined)
        return link.startsWith('#') && !headings(read(file)).includes(anchor ?? '');
      if (!existsSync(join(repository, target))) return true;
      if (anchor === undefined || anchor === 'readme') return false;
      return (
        statSync(join(repository, target)).isFile() && !headings(read(target)).includes(anchor)
      );
    });
    expect(broken).toEqual([]);
  },
);

function headings(markdown: string): string[] {
  return Array.from(markdown.matchAll(/^#+ (.*)$/gm), ([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('links of the site lead to its own pages, or to the repository', () => {
  const [page] = PAGES.filter(({ file }) => file === 'SECURITY.md');
  if (page === undefined) throw new Error('no such page');
  const link = (target: string) => withSiteLinks(`[a](${target})`, page, PAGES);
  expect(link('docs/contract.md#m')).toBe('[a](/contract#m)');
  expect(link('packages/conformance')).toBe('[a](/check-your-store)');
  expect(link('https://github.com/tokenkeep/tokenkeep/tree/main/packages/sqlite#readme')).toBe(
    '[a](/stores/sqlite)',
  );
  expect(link('tooling/servers')).toBe(
    '[a](https://github.com/tokenkeep/tokenkeep/blob/main/tooling/servers)',
  );
  expect(link('https://example.com/a')).toBe('[a](https://example.com/a)');
  expect(link('#here')).toBe('[a](#here)');
});
