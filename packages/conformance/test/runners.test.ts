import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { defineTokenStore } from '@tokenkeep/conformance';
import { testTokenStore } from '@tokenkeep/conformance/runner';
import { expect, it } from 'vitest';
import { broken, right } from './runners/definitions.ts';

/** A test framework of the smallest kind: as jest, bun and mocha have it. */
function framework() {
  const tests = new Map<string, () => Promise<void>>();
  const skipped: string[] = [];
  return {
    tests,
    skipped,
    describe: (_name: string, define: () => void) => define(),
    it: Object.assign((name: string, test: () => Promise<void>) => void tests.set(name, test), {
      skip: (name: string) => void skipped.push(name),
    }),
  };
}

it('any framework with describe and it gets a test for each check, titled with its clause', async () => {
  const { tests, skipped, ...jest } = framework();
  testTokenStore(right, jest, { clauses: ['C'] });
  // The random sequences of M1 find what breaks C, too.
  expect([...tests.keys()].filter((title) => !/^(C\d+|M1) /.test(title))).toEqual([]);
  expect(tests.size).toBeGreaterThan(17);
  await tests.get('C2 findTokenById gives the record with that id, or null')?.();
  expect(skipped).toEqual([
    'D1, D2, D3: skipped, as the definition declares durable: false',
    'S1, S2: skipped, as the definition declares shared: false',
  ]);
});

it('the test of a broken promise fails with the report of it, and with no stack into the kit', async () => {
  const { tests, ...jest } = framework();
  testTokenStore(broken, jest, { clauses: ['C2'] });
  const test = tests.get('C2 findTokenById gives the record with that id, or null');
  await expect(test?.()).rejects.toMatchObject({
    name: 'C2 broken',
    message: expect.stringContaining('matters'),
    stack: expect.not.stringMatching(/^ +at /m),
  });
});

it('what a definition leaves unsaid is a red test, with the line to add', async () => {
  const { tests, ...jest } = framework();
  const { shared: _shared, ...unsaid } = right;
  testTokenStore(defineTokenStore(unsaid), jest, { clauses: ['C2'] });
  await expect(tests.get('its definition says: shared')?.()).rejects.toThrow('shared: true');
});

it('node:test runs the checks as its own', async () => {
  const file = fileURLToPath(new URL('./runners/with-node-test.ts', import.meta.url));
  const args = ['--test-reporter=tap', file];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = new Promise((resolve) => child.once('close', resolve));
  const tap = await text(child.stdout);
  expect(await exit).toBe(1);
  expect(tap).toMatch(/^ +ok \d+ - C2 findTokenById/m);
  expect(tap).toMatch(/^ +not ok \d+ - C2 findTokenById/m);
  expect(tap).toMatch(/# SKIP/);
  expect(tap).toContain('matters');
});
