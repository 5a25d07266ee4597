import { readFileSync } from 'node:fs';
import { DeleteTableCommand } from '@aws-sdk/client-dynamodb';
import { codeBlocksIn, Project } from '@tokenkeep/code-blocks';
import { expect, test } from 'vitest';
import { Tables } from './tables.ts';

const tables = Tables.forThisFile();

test('the lines of the README run as they stand', async () => {
  using project = new Project();
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const program = codeBlocksIn(readme).find(({ language }) => language === 'ts')?.text ?? '';
  project.write('main.ts', program);
  const env = {
    AWS_ENDPOINT_URL_DYNAMODB: tables.server.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
  try {
    expect(await project.run('main.ts', env)).toMatch(/name: 'ada@example\.com'[\s\S]*version: 2/);
  } finally {
    // On a server that somebody named, the next run would find the record there.
    const client = tables.client();
    await client.send(new DeleteTableCommand({ TableName: 'tokens' }));
    client.destroy();
  }
}, 300_000);
