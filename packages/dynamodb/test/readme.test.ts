import { readFileSync } from 'node:fs';
import { codeBlocksIn, Project } from '@tokenkeep/code-blocks';
import { expect, test } from 'vitest';
import { sharedDynamodb } from './tables.ts';

test('the lines of the README run as they stand', async () => {
  const server = await sharedDynamodb();
  using project = new Project();
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const program = codeBlocksIn(readme).find(({ language }) => language === 'ts')?.text ?? '';
  project.write('main.ts', program);
  const env = {
    AWS_ENDPOINT_URL_DYNAMODB: server.url,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
  expect(await project.run('main.ts', env)).toMatch(/name: 'ada@example\.com'[\s\S]*version: 2/);
}, 300_000);
