import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalidOption } from '../../errors.ts';

/**
 * The option `path` of a store that keeps a file, as an absolute path.
 *
 * @throws TokenStoreError `INVALID_OPTION`
 */
export function requirePath(path: unknown): string {
  if (path instanceof URL) return pathOfUrl(path);
  if (typeof path !== 'string' || path === '' || /\0|[\\/]$/.test(path)) {
    throw invalidOption('path', 'must be the path of a file, without a NUL, or its file: URL');
  }
  if (/^file:/i.test(path)) {
    throw invalidOption('path', 'is a URL as text: give a path, or the URL as new URL(...)');
  }
  // Node would make a folder with that name.
  if (/^~[^\\/]*(?:[\\/]|$)/.test(path)) {
    throw invalidOption(
      'path',
      'begins with ~, which only a shell replaces: give join(homedir(), ...), or ./~ for a folder of that name',
    );
  }
  return resolve(path);
}

function pathOfUrl(url: URL): string {
  try {
    const path = fileURLToPath(url);
    if (!/\0|[\\/]$/.test(path)) return path;
  } catch {
    // Another protocol, or a host.
  }
  throw invalidOption('path', 'is a URL that is not of a file: give a file: URL without a host');
}
