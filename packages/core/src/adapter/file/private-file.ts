import { mkdir, open, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { driverCodeOf, TokenStoreError, type TokenStoreErrorCode } from '../../errors.ts';

/** As many symbolic links in a row as Linux follows. */
const MAX_LINKS = 40;

/**
 * Where a path leads to, symbolic links followed, even if there is nothing yet. Folders that are
 * missing on the way are made, readable by their owner only.
 *
 * @throws TokenStoreError as {@link fileFailure} says
 */
export async function resolvePath(path: string): Promise<string> {
  let target = resolve(path);
  try {
    for (let links = 0; links < MAX_LINKS; links += 1) {
      const folder = dirname(target);
      // The mode is for folders that are made now; one that exists is left as it is.
      await mkdir(folder, { recursive: true, mode: 0o700 });
      target = join(await realpath(folder), basename(target));
      const link = await linkAt(target);
      if (link === undefined) return target;
      target = resolve(dirname(target), link);
    }
  } catch (error) {
    throw fileFailure(error, path) ?? error;
  }
  throw unusable(path, 'has symbolic links that lead in a circle', 'ELOOP');
}

/**
 * Creates an empty file that only its owner can read, unless there is a file. A file that exists
 * keeps its rights.
 *
 * @param path as {@link resolvePath} gives it
 * @throws TokenStoreError `PATH_UNUSABLE` if there is something else than a file; others as
 *   {@link fileFailure} says
 */
export async function createPrivateFile(path: string): Promise<void> {
  try {
    // Exclusively: the mode given to open() counts for a file that it creates, and for no other.
    await (await open(path, 'wx', 0o600)).close();
  } catch (error) {
    if (driverCodeOf(error) !== 'EEXIST') {
      // Some systems refuse to create a file before they see that it is there.
      const exists = await stat(path).catch(() => undefined);
      if (exists === undefined) throw fileFailure(error, path) ?? error;
    }
    await requireFile(path);
  }
}

async function requireFile(path: string): Promise<void> {
  const found = await stat(path);
  if (found.isFile()) return;
  throw unusable(path, found.isDirectory() ? 'is a folder' : 'is not a plain file', undefined);
}

const MEANINGS: Readonly<Record<string, readonly [TokenStoreErrorCode, problem: string]>> = {
  EACCES: [
    'ACCESS_DENIED',
    'may not be read or written by this user: correct the rights of the file and its folder',
  ],
  EPERM: [
    'ACCESS_DENIED',
    'may not be read or written by this user: correct the rights of the file and its folder',
  ],
  EROFS: [
    'READ_ONLY',
    'is on a file system that takes no writes: make it writable, or give another path',
  ],
  ENOSPC: ['STORAGE_FULL', 'could not be written, the disk is full: make room and try again'],
  EDQUOT: ['STORAGE_FULL', 'could not be written, the quota is used up: make room and try again'],
  EFBIG: ['STORAGE_FULL', 'would grow larger than a file may be: make room and try again'],
  EISDIR: ['PATH_UNUSABLE', 'is a folder: give the path of a file'],
  ENOTDIR: ['PATH_UNUSABLE', 'goes through something that is not a folder: give another path'],
  EEXIST: ['PATH_UNUSABLE', 'goes through something that is not a folder: give another path'],
  ENOENT: ['PATH_UNUSABLE', 'leads nowhere: give the path of a file in a folder that exists'],
  ELOOP: ['PATH_UNUSABLE', 'has symbolic links that lead in a circle: give another path'],
  ENAMETOOLONG: ['PATH_UNUSABLE', 'is too long: give a shorter one'],
  EINVAL: ['PATH_UNUSABLE', 'is not a name for a file: give another path'],
};

/** What an error of Node's file system means, by its code; `undefined` for any other error. */
export function fileFailure(error: unknown, path: string): TokenStoreError | undefined {
  if (error instanceof TokenStoreError) return error;
  const driverCode = driverCodeOf(error);
  const meaning = typeof driverCode === 'string' ? MEANINGS[driverCode] : undefined;
  if (meaning === undefined) return undefined;
  const [code, problem] = meaning;
  return new TokenStoreError(code, `The path ${JSON.stringify(path)} ${problem} (${driverCode}).`, {
    driverCode,
    retryable: code === 'STORAGE_FULL',
  });
}

function unusable(path: string, problem: string, driverCode: string | undefined): TokenStoreError {
  return new TokenStoreError(
    'PATH_UNUSABLE',
    `The path ${JSON.stringify(path)} ${problem}: give the path of a file.`,
    { driverCode },
  );
}

async function linkAt(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    const code = driverCodeOf(error);
    // No link there, or nothing at all.
    if (code === 'EINVAL' || code === 'ENOENT' || code === 'UNKNOWN') return undefined;
    throw error;
  }
}
