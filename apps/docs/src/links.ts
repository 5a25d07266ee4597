import { posix } from 'node:path';
import type { Page } from './pages.ts';

const REPOSITORY = 'https://github.com/tokenkeep/tokenkeep';

/** The targets of the links in Markdown, without what is code. */
export function linksIn(markdown: string): string[] {
  const prose = markdown.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
  return Array.from(prose.matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target);
}

/** The file or folder of the repository that a link in one of its files leads to; `undefined` for another site or the same page. */
export function targetIn(repositoryFile: string, link: string): string | undefined {
  const [address = ''] = link.split('#');
  const own = new RegExp(`^${REPOSITORY}/(?:blob|tree)/main/`).exec(address);
  if (own !== null) return address.slice(own[0].length);
  if (address === '' || /^[a-z]+:/.test(address)) return undefined;
  return posix.normalize(posix.join(posix.dirname(repositoryFile), address)).replace(/\/$/, '');
}

/** The Markdown of a page with links as the site needs them: to its own pages, else to the repository. */
export function withSiteLinks(markdown: string, page: Page, pages: readonly Page[]): string {
  // Every second part is code.
  const parts = markdown.split(/(^```[\s\S]*?^```)/m);
  return parts.map((part, at) => (at % 2 === 0 ? withLinks(part, page, pages) : part)).join('');
}

function withLinks(prose: string, page: Page, pages: readonly Page[]): string {
  return prose.replace(/\]\(([^)\s]+)\)/g, (whole, link: string) => {
    const target = targetIn(page.file, link);
    if (target === undefined) return whole;
    const anchor = link.includes('#') ? `#${link.split('#')[1]}` : '';
    const other = pages.find(({ file }) => file === target || file === `${target}/README.md`);
    // On the site the heading of a README is that of its page.
    if (other !== undefined) return `](/${other.route}${anchor === '#readme' ? '' : anchor})`;
    return `](${REPOSITORY}/blob/main/${target}${anchor})`;
  });
}
