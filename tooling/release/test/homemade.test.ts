import { join } from 'node:path';
import { expect, it } from 'vitest';
import { failedClauses } from '../src/rehearsal/try-kit.ts';
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
  const found = failedClauses({ code, report: JSON.parse(ended.stdout) });
  expect({ code: ended.code, failed: found }).toEqual({ code, failed });
});
