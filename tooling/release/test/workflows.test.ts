import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const folder = `${root}/.github/workflows`;
const scripts: Record<string, string> = JSON.parse(
  readFileSync(`${root}/package.json`, 'utf8'),
).scripts;

test.each(readdirSync(folder))('%s is pinned, has least rights, and runs what there is', (name) => {
  const workflow = readFileSync(`${folder}/${name}`, 'utf8');
  const actions = Array.from(workflow.matchAll(/uses: (\S+)(.*)/g));
  expect(actions.length).toBeGreaterThan(0);
  for (const [, action, version] of actions) {
    expect(action).toMatch(/^[\w-]+\/[\w/-]+@[0-9a-f]{40}$/);
    expect(version).toMatch(/^ # v\d+\.\d+\.\d+$/);
  }
  expect(workflow).toMatch(/^permissions:(?: \{\}|\n {2}contents: read)\n/m);
  const writes = Array.from(workflow.matchAll(/^ +([a-z-]+): write # /gm), ([, right]) => right);
  expect(workflow.match(/: write/g) ?? []).toHaveLength(writes.length);
  expect(workflow.match(/checkout@[\s\S]*?persist-credentials: false/g)).toHaveLength(
    workflow.match(/checkout@/g)?.length ?? 0,
  );
  const called = Array.from(workflow.matchAll(/pnpm ([a-z:-]+)/g), ([, script = '']) => script);
  expect(
    called.filter((script) => script !== 'install' && !Object.hasOwn(scripts, script)),
  ).toEqual([]);
});
