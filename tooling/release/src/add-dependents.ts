// Part of `pnpm version-packages`: adds a changeset for the packages that a pending change of another
// one moves by more than Changesets would.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dependentSteps, type Step } from './dependent-steps.ts';
import { pendingSteps } from './pending-steps.ts';
import { publishedPackages } from './published-packages.ts';

const root = join(import.meta.dirname, '../../..');
const folder = join(root, '.changeset');
const texts = readdirSync(folder)
  .filter((name) => name.endsWith('.md') && name !== 'README.md')
  .map((name) => readFileSync(join(folder, name), 'utf8'));
const manifests = publishedPackages(root).map(({ manifest }) => manifest);
const added: ReadonlyMap<string, Step> = dependentSteps(manifests, pendingSteps(texts));
if (added.size > 0) {
  const lines = [...added].map(([name, step]) => `"${name}": ${step}`);
  const why = 'Needs a new version of another package, which earlier versions do not work with.';
  writeFileSync(join(folder, 'dependents.md'), `---\n${lines.join('\n')}\n---\n\n${why}\n`);
}
for (const [name, step] of added) console.log(`${name}: ${step}, for what it depends on`);
