/**
 * For whoever writes a store that keeps its records in files.
 *
 * @module
 */
export { requirePath } from './path-option.ts';
export { createPrivateFile, fileFailure, requireUsable, resolvePath } from './private-file.ts';
