export { default } from '../../tooling/build/vitest.ts';
