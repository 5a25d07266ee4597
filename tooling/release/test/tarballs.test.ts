import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publintFindings, typesFindings } from '../src/package-checks.ts';
import { publishedPackages } from '../src/published-packages.ts';
import { SIZE_BUDGETS } from '../src/size-budgets.ts';
import { pack, type Tarball } from '../src/tarball.ts';

const root = join(import.meta.dirname, '../../..');
const packages = publishedPackages(root);
/** What a package may hold beside the files that npm always packs. */
const EXTRA_FOLDERS: Readonly<Record<string, string>> = { '@tokenkeep/create-store': 'template/' };
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'];

it('every package that is published has a size budget, and no other', () => {
  expect(Object.keys(SIZE_BUDGETS)).toEqual(packages.map(({ manifest }) => manifest.name));
});

describe.each(packages)('the tarball of $manifest.name', (source) => {
  const { name } = source.manifest;
  let folder: string;
  let tarball: Tarball;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tokenkeep-tarball-'));
    tarball = await pack(source, folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('holds package.json, README.md, LICENSE and what was built', () => {
    const folders = ['dist/', EXTRA_FOLDERS[name] ?? 'dist/'];
    const others = tarball.files.filter((file) => !folders.some((start) => file.startsWith(start)));
    expect(others).toEqual(['LICENSE', 'README.md', 'package.json']);
    const built = tarball.files.filter((file) => file.startsWith('dist/'));
    expect(built).not.toEqual([]);
    expect(built.filter((file) => !/\.js$|\.d\.ts$/.test(file))).toEqual([]);
    expect(
      built.filter((file) => /\btests?\b|\.spec\./.test(file.replace('node-test', ''))),
    ).toEqual([]);
  });

  it('has the licence of the project in it', () => {
    expect(readFileSync(join(tarball.folder, 'LICENSE'), 'utf8')).toBe(
      readFileSync(join(root, 'LICENSE'), 'utf8'),
    );
  });

  it('points at no source map, and imports no file, that is not in it', () => {
    for (const file of tarball.files.filter((path) => path.startsWith('dist/'))) {
      const text = readFileSync(join(tarball.folder, file), 'utf8');
      expect(text, file).not.toContain('sourceMappingURL');
      // Examples in docstrings import files of the reader.
      const code = text.replaceAll(/\/\*\*.*?\*\//gs, '');
      for (const [, specifier = ''] of code.matchAll(/(?:from|import) ['"](\.\.?\/[^'"]+)['"]/g)) {
        // Among declarations, ./a.js stands for ./a.d.ts: a module of types has nothing else.
        const meant = file.endsWith('.d.ts') ? specifier.replace(/\.js$/, '.d.ts') : specifier;
        const target = posix.join(posix.dirname(file), meant);
        expect(tarball.files, `${file} imports ${specifier}`).toContain(target);
      }
    }
  });

  it('has types beside every module that can be imported, and every command', () => {
    for (const target of Object.values(tarball.manifest.exports ?? {})) {
      expect(target).toBeTypeOf('string');
      const file = String(target).replace('./', '');
      expect(tarball.files).toContain(file);
      if (file !== 'package.json') {
        expect(tarball.files).toContain(file.replace(/\.js$/, '.d.ts'));
      }
    }
    for (const command of Object.values(tarball.manifest.bin ?? {})) {
      const file = command.replace('./', '');
      expect(tarball.files).toContain(file);
      expect(readFileSync(join(tarball.folder, file), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    }
  });

  it('needs nothing that only this workspace knows', () => {
    const { dependencies, peerDependencies, optionalDependencies, devDependencies } =
      tarball.manifest;
    const wanted = { ...dependencies, ...peerDependencies, ...optionalDependencies };
    for (const [dependency, range] of Object.entries({ ...wanted, ...devDependencies })) {
      expect(range, dependency).not.toMatch(/^(?:workspace|catalog|link|file):/);
    }
    const own = Object.keys(wanted).filter((dependency) => dependency.startsWith('@tokenkeep/'));
    const published = packages.map(({ manifest }) => manifest.name);
    expect(published).toEqual(expect.arrayContaining(own));
    expect(JSON.stringify(tarball.manifest.exports)).not.toContain('@tokenkeep/source');
  });

  it('runs nothing when it is installed', () => {
    const scripts = Object.keys(tarball.manifest.scripts ?? {});
    expect(scripts.filter((script) => INSTALL_SCRIPTS.includes(script))).toEqual([]);
    expect(tarball.files).not.toContain('binding.gyp');
  });

  it('says what it is, where it comes from and what it runs on', () => {
    expect(tarball.manifest).toMatchObject({
      type: 'module',
      license: 'Apache-2.0',
      description: expect.stringMatching(/\w.*\.$/),
      keywords: expect.arrayContaining(['oauth', 'token-store']),
      sideEffects: false,
      engines: { node: '>=22.18.0' },
      repository: {
        url: 'git+https://github.com/tokenkeep/tokenkeep.git',
        directory: `packages/${source.shortName}`,
      },
    });
  });

  it('has a README that opens with one sentence and the line that installs it', () => {
    const [title, sentence, install] = readFileSync(join(tarball.folder, 'README.md'), 'utf8')
      .split('\n\n')
      .map((paragraph) => paragraph.trim());
    expect(title).toBe(`# ${name}`);
    expect(sentence).toMatch(/\.$/);
    expect(install).toMatch(/^```sh\n(?:npm install .*@tokenkeep\/|npm create @tokenkeep\/store)/);
  });

  it('stays within its size budget', () => {
    const budget = SIZE_BUDGETS[name];
    expect(tarball.packedBytes).toBeLessThanOrEqual(budget?.packed ?? 0);
    expect(tarball.unpackedBytes).toBeLessThanOrEqual(budget?.unpacked ?? 0);
  });

  it('is in order for publint', async () => {
    expect(await publintFindings(tarball)).toEqual([]);
  });

  it('has types that are right for everyone who imports it as an ES module', async () => {
    expect(await typesFindings(tarball)).toEqual([]);
  });
});
