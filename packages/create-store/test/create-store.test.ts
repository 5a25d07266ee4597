import { spawn } from 'node:child_process';
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const command = fileURLToPath(new URL('../bin/create-store.js', import.meta.url));
const finishedStore = fileURLToPath(new URL('./finished-store.ts', import.meta.url));
const packages = fileURLToPath(new URL('../../', import.meta.url));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'create-store-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function run(program: string, args: readonly string[], cwd = folder) {
  const child = spawn(process.execPath, [program, ...args], { cwd });
  const exit = new Promise((resolve) => child.once('close', resolve));
  const [out, error, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { out, error, code };
}

/** As `npm install` would, from the workspace. */
async function install(store: string) {
  const scope = join(store, 'node_modules', '@tokenkeep');
  await mkdir(scope, { recursive: true });
  for (const name of ['core', 'conformance'])
    await symlink(join(packages, name), join(scope, name));
}

const check = (store: string, ...args: string[]) => {
  const kit = join(store, 'node_modules/@tokenkeep/conformance/bin/tokenkeep-conformance.js');
  return run(kit, ['test/definition.ts', ...args], store);
};

it('is published again with each version that its template asks for', async () => {
  const manifestOf = async (file: string) =>
    JSON.parse(await readFile(new URL(file, import.meta.url), 'utf8'));
  const { dependencies, devDependencies } = await manifestOf('../template/_package.json');
  const asked = Object.keys({ ...dependencies, ...devDependencies }).filter((name) =>
    name.startsWith('@tokenkeep/'),
  );
  expect(asked.toSorted()).toEqual(['@tokenkeep/conformance', '@tokenkeep/core']);
  // Changesets moves a package after its dependencies, and not after those of its development.
  const own = await manifestOf('../package.json');
  expect(Object.keys(own.dependencies)).toEqual(expect.arrayContaining(asked));
});

it('makes a package with everything named after the folder', async () => {
  const { out, code } = await run(command, ['ada-store']);
  expect(code).toBe(0);
  expect(out).toContain('cd ada-store');
  const files = await readdir(join(folder, 'ada-store'), { recursive: true });
  expect(files.toSorted()).toEqual([
    '.gitignore',
    'README.md',
    'package.json',
    'src',
    'src/ada-store.ts',
    'test',
    'test/conformance.test.ts',
    'test/definition.ts',
    'tsconfig.json',
  ]);
  const definition = await readFile(join(folder, 'ada-store/test/definition.ts'), 'utf8');
  expect(definition).toContain("import { AdaStore } from '../src/ada-store.ts'");
  const manifest = JSON.parse(await readFile(join(folder, 'ada-store/package.json'), 'utf8'));
  expect(manifest).toMatchObject({ name: 'ada-store', exports: './src/ada-store.ts' });
  expect(Object.keys(manifest.dependencies)).toEqual(['@tokenkeep/core']);
});

it("the kit's first run says what to write first, and what is written moves it on", async () => {
  await run(command, ['ada-store']);
  const store = join(folder, 'ada-store');
  await install(store);
  const first = await check(store, '--bail');
  expect(first.code).toBe(1);
  expect(first.out).toMatch(/actual .*open\(\) of .* is not written yet: see src\/ada-store\.ts/);
  const source = join(store, 'src/ada-store.ts');
  const text = await readFile(source, 'utf8');
  await writeFile(source, text.replace(/throw notWritten\(`open.*/, ''));
  const second = await check(store, '--bail');
  expect(second.out).toContain('save() is not written yet');
});

it('with its steps written it keeps the contract', async () => {
  await run(command, ['ada-store']);
  const store = join(folder, 'ada-store');
  await install(store);
  await copyFile(finishedStore, join(store, 'src/ada-store.ts'));
  const { out, code } = await check(store, '--intensity', 'quick');
  expect(out).toContain(
    'base passed   concurrent passed   versions passed   durable passed   shared passed',
  );
  expect(code).toBe(0);
}, 120_000);

it('overwrites nothing', async () => {
  await mkdir(join(folder, 'ada-store'));
  await writeFile(join(folder, 'ada-store/notes.txt'), 'mine');
  const { error, code } = await run(command, ['ada-store']);
  expect(code).toBe(2);
  expect(error).toContain('there is something in ada-store');
  expect(await readdir(join(folder, 'ada-store'))).toEqual(['notes.txt']);
});

it.each(['Ada Store', '.store', '1password', 'node_modules'])(
  'refuses the name %j',
  async (name) => {
    const { error, code } = await run(command, [name]);
    expect(code).toBe(2);
    expect(error).toContain('try my-store');
    expect(await readdir(folder)).toEqual([]);
  },
);

it('teaches where no folder is named', async () => {
  const { out, code } = await run(command, []);
  expect(code).toBe(2);
  expect(out).toContain('npm create @tokenkeep/store my-store');
});
