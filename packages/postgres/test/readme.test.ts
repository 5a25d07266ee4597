import { readFileSync } from 'node:fs';
import { codeBlocksIn, Project } from '@tokenkeep/code-blocks';
import { expect, test } from 'vitest';
import { sharedPostgres } from './servers.ts';

test('the lines of the README run, but for the address', async () => {
  const server = await sharedPostgres();
  const { url } = await server.createDatabase();
  using project = new Project();
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const program = codeBlocksIn(readme).find(({ language }) => language === 'ts')?.text ?? '';
  expect(program).toContain('postgres://app:password@localhost/app');
  project.write('main.ts', program.replace('postgres://app:password@localhost/app', url));
  expect(await project.run('main.ts')).toMatch(/name: 'ada@example\.com'[\s\S]*version: 2/);
}, 300_000);
