import { readFileSync } from 'node:fs';
import { codeBlocksIn, Project } from '@tokenkeep/code-blocks';
import { startRedis } from '@tokenkeep/test-servers';
import { expect, test } from 'vitest';

test('the lines of the README run, but for the address', async () => {
  const server = await startRedis();
  using project = new Project();
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const program = codeBlocksIn(readme).find(({ language }) => language === 'ts')?.text ?? '';
  expect(program).toContain('redis://localhost:6379');
  project.write('main.ts', program.replace('redis://localhost:6379', server.url));
  expect(await project.run('main.ts')).toMatch(/name: 'ada@example\.com'[\s\S]*version: 2/);
  await server.stop();
}, 300_000);
