/**
 * For whoever writes a store that keeps its records in files.
 *
 * @module
 */
export { requirePath } from './path-option.ts';
export { createPrivateFile, fileFailure, resolvePath, usableFile } from './private-file.ts';
