import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const command = fileURLToPath(new URL('../bin/tokenkeep-conformance.js', import.meta.url));
const moduleAt = (name: string) => fileURLToPath(new URL(`./cli/${name}.ts`, import.meta.url));

async function run(...args: string[]) {
  const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = new Promise((resolve) => child.once('close', resolve));
  const [out, error, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { out, error, code };
}

it('a store that keeps every promise: 0, and every clause in the report', async () => {
  const { out, code } = await run(moduleAt('right'), '--intensity', 'quick', '--seed', '7');
  expect(code).toBe(0);
  expect(out).toContain('RightStore and the token store contract\nquick, seed 7');
  expect(out).toMatch(/✓ T1 .*\(\d+\)/);
  expect(out).toContain('- D1 D2 D3  the definition declares durable: false');
  expect(out).toContain('base passed   concurrent passed   versions passed');
  expect(out).not.toContain('\u001b[');
});

it('a store that breaks one: 1, with what was promised, done, expected and given, though it keeps the process alive', async () => {
  const { out, code } = await run(moduleAt('wrong'), '--clause', 'C2', '--seed', '7');
  expect(code).toBe(1);
  expect(out).toContain('✗ C2');
  for (const part of ['promised', 'done', 'expected', 'actual', 'matters', 'hint', 'again']) {
    expect(out).toMatch(new RegExp(`^  ${part} `, 'm'));
  }
  expect(out).toMatch(/again {6}npx @tokenkeep\/conformance \S+wrong\.ts --clause C2 --seed 7\n/);
  expect(out).toContain('docs/contract.md#c2');
});

it('a store that does not say what it promises: 1, with the line to add', async () => {
  const { out, code } = await run(moduleAt('undeclared'), '--clause', 'C2');
  expect(code).toBe(1);
  expect(out).toContain('versions: true,   // or false');
  expect(out).toContain('static versions = true;');
});

it('what is said on the command line is a declaration too', async () => {
  const said = ['--versions', '--no-durable', '--no-shared', '--iterable'];
  const { out, code } = await run(moduleAt('undeclared'), '--clause', 'C2,V1', ...said);
  expect(out).toContain('✓ V1');
  expect(code).toBe(0);
});

it.each([
  ['no such file', ['./nowhere.ts'], 'there is no file ./nowhere.ts'],
  ['a module that throws', [moduleAt('does-not-load')], 'does not load: Error: no such driver'],
  ['the shape of a store of the vendor', [moduleAt('without-close')], 'tokenStoreFromZoho'],
  ['a module without a store', [moduleAt('exports-nothing')], 'exports no store to check'],
  ['a place that does not open', [moduleAt('does-not-open')], 'open() of the definition failed'],
  ['an unknown option', ['--colour', moduleAt('right')], "Unknown option '--colour'"],
  ['an unknown clause', ['--clause', 'Q1', moduleAt('right')], 'there is no "Q1"'],
  ['an unknown reporter', ['--reporter', 'html', moduleAt('right')], 'pretty, json, junit, tap'],
  ['an unknown intensity', ['--intensity', 'hard', moduleAt('right')], 'quick, standard, thorough'],
  ['two modules', [moduleAt('right'), moduleAt('wrong')], 'name one module only'],
])('%s: 2, and one clear line', async (_what, args, line) => {
  const { out, error, code } = await run(...args);
  expect(code).toBe(2);
  expect(out).toBe('');
  expect(error.split('\n', 1)[0]).toMatch(/^could not run: /);
  expect(error).toContain(line);
  expect(error.trim().split('\n').length).toBeLessThanOrEqual(2);
});

it('a module that can not be read: 2, and its line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kit-cli-'));
  try {
    const path = join(folder, 'store.mjs');
    writeFileSync(path, 'export default class Store {\n  saveToken( {}\n}\n');
    const { error, code } = await run(path);
    expect(code).toBe(2);
    expect(error).toMatch(/does not load: SyntaxError: .*store\.mjs:[23]\)/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('a store whose loop never ends: 1, and the report of it', async () => {
  const { out, code } = await run(moduleAt('endless'), '--clause', 'C2', '--timeout', '1000');
  expect(code).toBe(1);
  expect(out).toContain('the event loop stood still');
  expect(out).toMatch(/again {6}npx .*endless\.ts --clause /);
});

it('--help, and a call without arguments, teach; the latter has checked nothing: 2', async () => {
  for (const [wanted, { out, code }] of [
    [0, await run('--help')],
    [2, await run()],
  ] as const) {
    expect(code).toBe(wanted);
    expect(out).toContain('npx @tokenkeep/conformance ./my-store.ts');
    expect(out).toContain('Exit code: 0');
  }
});

it('--bail stops at the first failure', async () => {
  const { out } = await run(moduleAt('wrong'), '--clause', 'C', '--bail');
  expect(out).toMatch(/1 broken/);
  expect(out).toContain('the run was stopped at the first failure');
});

it('where the simplest calls fail nothing else is tried, and that comes last', async () => {
  const { out, code } = await run(moduleAt('naive').replace(/ts$/, 'js'), '--seed', '7');
  expect(code).toBe(1);
  expect(out.split('\n').length).toBeLessThan(30);
  expect(out).toContain('the simplest calls fail: nothing else was tried');
  expect(out).toMatch(
    /Put this right first\nC1 a token that was saved[\s\S]*again {6}npx .* --seed 7\n$/,
  );
});

it('what was tried in part is not said to be passed', async () => {
  const { out, code } = await run(moduleAt('right'), '--clause', 'M2', '--reporter', 'json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ passed: null });
});

it('the reporter json gives the report', async () => {
  const { out, code } = await run(moduleAt('wrong'), '--clause', 'C2', '--reporter', 'json');
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    store: 'WrongStore',
    passed: false,
    levels: { base: 'failed', durable: 'skipped' },
    clauses: expect.arrayContaining([
      expect.objectContaining({
        clause: 'C2',
        status: 'failed',
        checks: [
          expect.objectContaining({ status: 'passed', failures: [] }),
          expect.objectContaining({ failures: [expect.objectContaining({ clause: 'C2' })] }),
        ],
      }),
    ]),
  });
});

it('the reporter junit gives a test case for each check, and says what was skipped', async () => {
  const { out } = await run(moduleAt('wrong'), '--clause', 'C2', '--reporter', 'junit');
  expect(out).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuite name="WrongStore" /);
  expect(out).toContain('failures="2"');
  expect(out).toContain('<failure message="');
  expect(out).toContain('<skipped message="the definition declares durable: false"/>');
  expect(out.trimEnd()).toMatch(/<\/testsuite>$/);
});

it('the reporter tap counts every point it plans', async () => {
  const { out } = await run(moduleAt('wrong'), '--clause', 'C2', '--reporter', 'tap');
  const points = out.match(/^(not )?ok \d+ /gm) ?? [];
  expect(out.split('\n', 2)).toEqual(['TAP version 14', `1..${points.length}`]);
  // The check of C2, and the random sequences, which find it too.
  expect(points.filter((point) => point.startsWith('not'))).toHaveLength(2);
});
