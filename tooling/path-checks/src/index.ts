export { freshFolder } from './fresh-folder.ts';
export { checkPaths } from './path-checks.ts';
export type { PathStore } from './path-store.ts';
