import { readFileSync } from 'node:fs';
import { codeBlocksIn, Project } from '@tokenkeep/code-blocks';
import { expect, test } from 'vitest';
import { sharedMongo } from './definition.ts';

test('the lines of the README run, but for the address', async () => {
  const server = await sharedMongo();
  using project = new Project();
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const program = codeBlocksIn(readme).find(({ language }) => language === 'ts')?.text ?? '';
  expect(program).toContain('mongodb://localhost:27017/zohooauth');
  project.write(
    'main.ts',
    program.replace('mongodb://localhost:27017/zohooauth', server.databaseUrl('readme')),
  );
  expect(await project.run('main.ts')).toMatch(/name: 'ada@example\.com'[\s\S]*version: 2/);
}, 300_000);
