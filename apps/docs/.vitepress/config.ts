import { readdirSync } from 'node:fs';
import { type DefaultTheme, defineConfig, type UserConfig } from 'vitepress';
import { GROUPS } from '../src/pages.ts';

const folder = new URL('../site/api/@tokenkeep/', import.meta.url);
/** A page for each package, made by TypeDoc. */
const api: DefaultTheme.SidebarItem[] = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({ text: `@tokenkeep/${name}`, link: `/api/@tokenkeep/${name}/` }));

const guide: DefaultTheme.SidebarItem[] = GROUPS.map(({ title, pages }) => ({
  text: title,
  items: pages
    .map((page) => ({ text: page.title, link: `/${page.route}` }))
    .concat(title === 'Reference' ? [{ text: 'Errors', link: '/errors' }] : []),
}));

const config: UserConfig<DefaultTheme.Config> = defineConfig({
  title: 'tokenkeep',
  description: "Keeps OAuth tokens for programs that call other people's APIs.",
  srcDir: 'site',
  cleanUrls: true,
  lastUpdated: false,
  themeConfig: {
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Contract', link: '/contract' },
      { text: 'Check your store', link: '/check-your-store' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: [...guide, { text: 'API', link: '/api/', items: api }],
    outline: { level: [2, 3] },
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: 'https://github.com/tokenkeep/tokenkeep' }],
    footer: { message: 'Apache-2.0' },
  },
});

export default config;
