import { readFileSync } from 'node:fs';
import { codeBlocksIn, Project } from '@tokenkeep/code-blocks';
import { expect, test } from 'vitest';
import { sharedEmulator } from './server.ts';

test('the lines of the README run as they stand', async () => {
  const server = await sharedEmulator();
  using project = new Project();
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const program = codeBlocksIn(readme).find(({ language }) => language === 'ts')?.text ?? '';
  project.write('main.ts', program);
  const env = { FIRESTORE_EMULATOR_HOST: server.hostAndPort };
  expect(await project.run('main.ts', env)).toMatch(/name: 'ada@example\.com'[\s\S]*version: 2/);
}, 300_000);
