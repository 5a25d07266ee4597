/**
 * For whoever writes a store that keeps its records in files.
 *
 * @module
 */
export { createPrivateFile, fileFailure, resolvePath } from './private-file.ts';
