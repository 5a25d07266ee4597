export { default } from '../build/vitest.ts';
