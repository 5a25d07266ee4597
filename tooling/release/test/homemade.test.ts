import { join } from 'node:path';
import type { ClauseResult } from '@tokenkeep/conformance';
import { expect, it } from 'vitest';
import { tryProgram } from '../src/run-program.ts';

// The rehearsal tries them with the kit as it is published; that takes minutes, and is seldom done.
it.each([
  ['my-store.js', 0, []],
  ['forgetful-store.js', 1, ['V4']],
])('the kit judges the homemade %s as the rehearsal expects', async (store, code, failed) => {
  const root = join(import.meta.dirname, '..');
  const kit = join(root, 'node_modules/@tokenkeep/conformance/bin/tokenkeep-conformance.js');
  const args = [kit, `./homemade/${store}`, '--intensity', 'quick', '--reporter', 'json'];
  const ended = await tryProgram(process.execPath, args, { cwd: root, env: process.env });
  const { clauses }: { clauses: ClauseResult[] } = JSON.parse(ended.stdout);
  const failedClauses = clauses.filter(({ status }) => status === 'failed');
  expect({ code: ended.code, failed: failedClauses.map(({ clause }) => clause) }).toEqual({
    code,
    failed,
  });
});
