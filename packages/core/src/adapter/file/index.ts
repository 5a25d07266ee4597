/**
 * For whoever writes a store that keeps its records in files.
 *
 * @module
 */
export { identityOf, stampOf } from './file-stamp.ts';
export { requirePath } from './path-option.ts';
export {
  createPrivateFile,
  fileFailure,
  requireUsable,
  resolvePath,
  whyNotWritable,
} from './private-file.ts';
