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

/**
 * What the source of a snapshot decides: whether a write is refused after another's, in this process or
 * another, what a missing object is, what is there after a kill, names, and closing. What a record
 * means, and thousands of them, the stores in a file and in a secret are tried for, on the same storage.
 */
const BY_THE_SOURCE = ['A', 'C1', 'C13', 'C14', 'C16', 'C17', 'D2', 'D3', 'S', 'T4', 'V3'];

const PROGRAM = `
  import { checkTokenStore } from '@tokenkeep/conformance';
  import definition from './definition.ts';

  const { passed, clauses } = await checkTokenStore(definition, {
    intensity: 'quick',
    clauses: ${JSON.stringify(BY_THE_SOURCE)},
  });
  console.log(JSON.stringify({ passed, clauses }));
  process.exit();`;

test('the store of the page on writing adapters keeps what its source decides of the contract', async () => {
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
  const kept = clauses.filter((clause: { status: string }) => clause.status === 'passed');
  expect(kept.length).toBeGreaterThanOrEqual(BY_THE_SOURCE.length);
  expect(passed).toBe(true);
}, 120_000);
