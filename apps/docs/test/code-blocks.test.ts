import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type CodeBlock, codeBlocksIn, Project } from '@tokenkeep/code-blocks';
import { expect, test } from 'vitest';
import { PAGES } from '../src/pages.ts';

const repository = resolve(import.meta.dirname, '../../..');
const FILES = [
  'README.md',
  'apps/sample/README.md',
  'apps/web-sample/README.md',
  ...PAGES.map(({ file }) => file),
];

/** Their packages run them, on the server that they need. */
const RUN_ELSEWHERE = ['mysql', 'postgres', 'redis', 'mongo', 'firestore', 'dynamodb', 'zoho'].map(
  (name) => `packages/${name}/README.md`,
);

const blocksOf = (file: string) => codeBlocksIn(readFileSync(join(repository, file), 'utf8'));
const programsOf = (file: string) =>
  blocksOf(file).filter(({ language, info }) => language === 'ts' && info !== 'no-run');
const nameOf = ({ info, line }: CodeBlock) => (info === '' ? `line-${line}.ts` : info);

/** What the reader of the kit's README has written. */
const OWN_STORE = `
  import { FileTokenStore } from '@tokenkeep/file';
  export class MyTokenStore extends FileTokenStore {
    constructor(path: string) { super({ path }); }
  }`;

/** What the reader of the page on moving has from before. */
const OLD_TOKENS = `id,user_name,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_url,api_domain
1,ada@example.com,client,secret,refresh,access,,1900000000000,,`;

/** @param folder where in the project */
function write(project: Project, file: string, folder = ''): void {
  project.write(`${folder}src/my-token-store.ts`, OWN_STORE);
  project.write(`${folder}sdk_tokens.txt`, OLD_TOKENS);
  for (const block of programsOf(file)) project.write(folder + nameOf(block), block.text);
}

/** One clause, where a program runs the kit: that every check does what it should, the kit's own tests say. */
const SHORT = {
  KIT_INTENSITY: 'quick',
  NODE_OPTIONS: '--conditions=@tokenkeep/source --test-name-pattern=C5',
};

const files = FILES.filter((file) => programsOf(file).length > 0);

test('the programs have no wrong types', async () => {
  using project = new Project();
  for (const file of files) write(project, file, `${file.replaceAll('/', '-')}/`);
  await project.check();
});

test.each(files.filter((file) => !RUN_ELSEWHERE.includes(file)))(
  'the programs in %s run as they stand',
  async (file) => {
    using project = new Project();
    write(project, file);
    for (const block of programsOf(file)) {
      const printed = await project.run(nameOf(block), SHORT);
      if (block.text.includes('console.log')) expect(printed).not.toBe('');
      // A pattern that fits no test would pass without one.
      if (block.text.includes('testTokenStore(')) expect(printed).toMatch(/^. pass [1-9]/m);
      expect(printed).not.toMatch(/1000\.(?:abc|def|new)/);
    }
  },
  // The kit's README runs the kit more than once.
  180_000,
);

test('what can not be run is little, and says so', () => {
  const marked = FILES.flatMap((file) =>
    blocksOf(file)
      .filter(({ info }) => info === 'no-run')
      .map(() => file),
  );
  expect(marked).toEqual([
    'packages/postgres/README.md',
    'packages/aws-secrets-manager/README.md',
    'packages/zoho/README.md',
    'docs/from-the-vendors-stores.md',
    'docs/write-an-adapter.md',
  ]);
});

test.each(FILES)('the commands in %s are there', (file) => {
  const unknown = blocksOf(file)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.split('\n'))
    .filter((line) => !isKnown(line));
  expect(unknown).toEqual([]);
});

/** Whether what a command of npm or pnpm names exists. Others are not ours. */
function isKnown(line: string): boolean {
  const [program, ...words] = line
    .replace(/\s+#.*/, '')
    .trim()
    .split(/\s+/);
  const packages = words.flatMap((word) => /^@tokenkeep\/([a-z-]+)/.exec(word)?.[1] ?? []);
  const arePackages = packages.every((name) => {
    const folder = program === 'npm' && words[0] === 'create' ? `create-${name}` : name;
    return manifestOf(folder) !== undefined;
  });
  if (program !== 'pnpm') return arePackages;
  const filter = words.indexOf('--filter');
  const [script = ''] =
    filter < 0 ? words : words.slice(filter + 2).filter((word) => word !== 'run');
  const scripts = (filter < 0 ? manifest('.') : manifestOf(packages[0]))?.scripts ?? {};
  return arePackages && Object.hasOwn(scripts, script);
}

function manifestOf(name = '') {
  return manifest(`packages/${name}`) ?? manifest(`tooling/${name}`);
}

function manifest(folder: string): { scripts: Record<string, string> } | undefined {
  try {
    return JSON.parse(readFileSync(join(repository, folder, 'package.json'), 'utf8'));
  } catch {
    return undefined;
  }
}
