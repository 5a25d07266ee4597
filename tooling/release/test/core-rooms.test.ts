import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { publishedPackages } from '../src/published-packages.ts';
import { tryProgram } from '../src/run-program.ts';
import { pack, type Tarball } from '../src/tarball.ts';

const root = join(import.meta.dirname, '../../..');
let folder: string;
let core: Tarball;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tokenkeep-core-'));
  const source = publishedPackages(root).find(
    ({ manifest }) => manifest.name === '@tokenkeep/core',
  );
  if (source === undefined) throw new Error('core is not among the packages');
  core = await pack(source, folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The modules that a module of the package loads, and what it loads from outside. */
function loadedFrom(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const code = readFileSync(file, 'utf8').replaceAll(/\/\*\*.*?\*\//gs, '');
  for (const [, specifier = ''] of code.matchAll(/(?:from|import)\s*\(?['"]([^'"]+)['"]/g)) {
    if (specifier.startsWith('.')) loadedFrom(join(dirname(file), specifier), seen);
    else seen.add(specifier);
  }
  return seen;
}

it.each(['index.js', 'rules/index.js', 'adapter/index.js'])(
  '%s loads nothing of Node, so that it runs at the edge',
  (entry) => {
    const loaded = [...loadedFrom(join(core.folder, 'dist', entry))];
    expect(loaded.length).toBeGreaterThan(1);
    expect(loaded.filter((name) => !name.startsWith(core.folder))).toEqual([]);
  },
);

it('compiles without the types of Node, for an older target, with every library checked', async () => {
  const app = join(folder, 'app');
  mkdirSync(join(app, 'node_modules/@tokenkeep'), { recursive: true });
  symlinkSync(core.folder, join(app, 'node_modules/@tokenkeep/core'));
  writeFileSync(join(app, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(app, 'app.ts'),
    `import { OAuthToken, type TokenStore } from '@tokenkeep/core';
     import { StorageTokenStore } from '@tokenkeep/core/adapter';
     import { resolvePath } from '@tokenkeep/core/adapter/file';
     import { OptimisticStorage } from '@tokenkeep/core/adapter/server';
     import { planSave } from '@tokenkeep/core/rules';
     export async function issuerOf(store: TokenStore): Promise<string | undefined> {
       const token = await store.findToken(new OAuthToken({ refreshToken: 'r' }));
       await store[Symbol.asyncDispose]();
       return token?.issuer;
     }
     export const rooms = [StorageTokenStore, resolvePath, OptimisticStorage, planSave];`,
  );
  const { code, stdout } = await tryProgram(
    join(root, 'node_modules/.bin/tsc'),
    [
      ...['--module', 'nodenext', '--strict', '--target', 'es2022', '--skipLibCheck', 'false'],
      ...['--types', '', '--noEmit', 'app.ts'],
    ],
    { cwd: app },
  );
  expect(stdout).toBe('');
  expect(code).toBe(0);
});
