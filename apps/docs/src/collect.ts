import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ERROR_CODES } from '@tokenkeep/core';
import { withSiteLinks } from './links.ts';
import { PAGES } from './pages.ts';

// Puts the pages of the site together, from files all over the repository, where VitePress looks.
const repository = resolve(import.meta.dirname, '../../..');
const site = resolve(import.meta.dirname, '../site');

await rm(site, { recursive: true, force: true });
await put('index', await readFile(join(import.meta.dirname, 'index.md'), 'utf8'));
await put('errors', errorsPage());
for (const page of PAGES) {
  const markdown = await readFile(join(repository, page.file), 'utf8');
  await put(page.route, withSiteLinks(markdown, page, PAGES));
}

async function put(route: string, markdown: string): Promise<void> {
  const file = join(site, `${route}.md`);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, markdown);
}

function errorsPage(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, text]) => `| \`${code}\` | ${text} |`);
  return `# Errors

Whatever a store throws is a \`TokenStoreError\`. Its \`code\` is one of these and stays what it is; its message says what to do next and holds no secret. \`operation\` names the method, \`driverCode\` what the driver said, \`retryable\` whether the same call may work later.

| code | what it means and what to do |
|---|---|
${rows.join('\n')}
`;
}
