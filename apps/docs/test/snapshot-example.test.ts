import { readFileSync } from 'node:fs';
import { codeBlocksIn, Project } from '@tokenkeep/code-blocks';
import { expect, test } from 'vitest';
import { startConditionalObjects } from './conditional-objects.ts';

const FILE = 's3-token-store.ts';

const DEFINITION = `
  import { defineTokenStore } from '@tokenkeep/conformance';
  import { S3TokenStore } from './${FILE}';

  export default defineTokenStore({
    name: 'S3TokenStore',
    location: () => crypto.randomUUID(),
    open: (key) => new S3TokenStore({
      bucket: 'bucket',
      key,
      options: {
        endpoint: process.env.OBJECTS,
        forcePathStyle: true,
        region: 'eu-central-1',
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
        requestChecksumCalculation: 'WHEN_REQUIRED',
      },
    }),
    neighbour: (key) => key + '2',
    versions: true,
    durable: true,
    shared: true,
    iterable: true,
    module: import.meta.url,
  });`;

const PROGRAM = `
  import { checkTokenStore } from '@tokenkeep/conformance';
  import definition from './definition.ts';

  const { passed, clauses } = await checkTokenStore(definition, { intensity: 'quick' });
  console.log(JSON.stringify({ passed, clauses }));
  process.exit();`;

test('the store of the page on writing adapters keeps every promise of the contract', async () => {
  const page = new URL('../../../docs/write-an-adapter.md', import.meta.url);
  const example = codeBlocksIn(readFileSync(page, 'utf8')).find(({ info }) => info === FILE);
  const objects = await startConditionalObjects();
  using project = new Project();
  project.write(FILE, example?.text ?? '');
  project.write('definition.ts', DEFINITION);
  project.write('program.ts', PROGRAM);
  const { passed, clauses } = JSON.parse(await project.run('program.ts', { OBJECTS: objects.url }));
  objects.stop();
  expect(clauses.filter((clause: { status: string }) => clause.status === 'failed')).toEqual([]);
  expect(passed).toBe(true);
}, 120_000);
