// `pnpm check`: all that has to be right before a change is merged, the quick checks first. It ends
// at the first one that fails; of the tests, all are run.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type TestCounts, testCountsFile } from './test-counts.ts';

const root = join(import.meta.dirname, '../..');
const env: NodeJS.ProcessEnv = { ...process.env, NODE_VERSION: process.version };
// turbo makes all that it starts write colours; a log file is better off without.
if (!process.stdout.isTTY) env['NO_COLOR'] = '1';

for (const [script, title] of [
  ['types', 'Types'],
  ['lint', 'Lint and format'],
  ['unused', 'Unused code and dependencies'],
  ['versions', 'Versions and package.json files'],
] as const) {
  if (!run(title, script)) {
    console.error(`\n${title}: not in order. Run \`pnpm ${script}\` to see it again.`);
    process.exit(1);
  }
}

const tested = packagesWithTests();
// What an earlier run counted must not be taken for this one's; turbo brings back what it cached.
for (const folder of tested) rmSync(join(folder, testCountsFile), { force: true });
const ranWell = run('Build and tests', 'build-and-test');
const countedWell = sumUp(tested);
if (!ranWell && countedWell) console.error('A build or a test run failed all the same: see above.');
process.exitCode = ranWell && countedWell ? 0 : 1;

function run(title: string, script: string): boolean {
  console.log(`\n=== ${title} (pnpm ${script}) ===`);
  const { status } = spawnSync('pnpm', ['--silent', 'run', script], {
    cwd: root,
    stdio: 'inherit',
    env,
  });
  return status === 0;
}

function packagesWithTests(): string[] {
  return ['packages', 'apps', 'tooling']
    .flatMap((group) => readdirSync(join(root, group)).map((name) => join(root, group, name)))
    .filter((folder) => {
      const manifest = join(folder, 'package.json');
      if (!existsSync(manifest)) return false;
      const { scripts }: { scripts?: Record<string, string> } = JSON.parse(
        readFileSync(manifest, 'utf8'),
      );
      return scripts?.['test'] !== undefined;
    });
}

/** Prints the sum over all packages as the last line; whether some passed and none is missing. */
function sumUp(folders: readonly string[]): boolean {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  const silent: string[] = [];
  const failures: string[] = [];
  for (const folder of folders) {
    const file = join(folder, testCountsFile);
    if (!existsSync(file)) {
      silent.push(folder);
      continue;
    }
    const counts: TestCounts = JSON.parse(readFileSync(file, 'utf8'));
    sum.passed += counts.passed;
    sum.failed += counts.failed;
    sum.skipped += counts.skipped;
    failures.push(...counts.failures.map((failure) => `${relative(root, folder)}/${failure}`));
  }
  console.log('\n=== All tests ===');
  for (const failure of failures) console.log(`FAILED ${failure}`);
  for (const folder of silent) console.log(`no result from ${folder}`);
  if (sum.skipped > 0) console.log(`${sum.skipped} skipped`);
  console.log(`${sum.passed} passed, ${sum.failed} failed`);
  return sum.passed > 0 && sum.failed === 0 && silent.length === 0;
}
