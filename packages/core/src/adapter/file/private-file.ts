import { access, constants, lstat, mkdir, open, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, parse, resolve, sep } from 'node:path';
import { driverCodeOf, TokenStoreError, type TokenStoreErrorCode } from '../../errors.ts';
import { refuseOpenToAll, refusePlanted } from './file-owner.ts';
import { requireOneName } from './one-name.ts';

/** As many symbolic links in a row as Linux follows. */
const MAX_LINKS = 40;

/**
 * Where a path leads to, symbolic links followed, even if there is nothing yet. Folders that are
 * missing on the way are made, readable by their owner only.
 *
 * @throws TokenStoreError as {@link fileFailure} says; `ACCESS_DENIED` for a link that another user
 *   may have laid there
 */
export async function resolvePath(path: string): Promise<string> {
  try {
    return await followLinks(path);
  } catch (error) {
    throw fileFailure(error, path) ?? error;
  }
}

async function followLinks(path: string): Promise<string> {
  let { root: at, names } = partsOf(resolve(path));
  for (let links = 0; names.length > 0; ) {
    const [name = '', ...rest] = names;
    const next = join(at, name);
    const link = await linkAt(next);
    if (link === undefined) {
      // The mode is for folders that are made now; one that exists is left as it is.
      if (rest.length > 0) await mkdir(next, { recursive: true, mode: 0o700 });
      [at, names] = [next, rest];
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) {
      throw unusable(path, 'has symbolic links that lead in a circle', 'ELOOP');
    }
    refusePlanted(next, await lstat(next), await stat(at));
    const target = partsOf(resolve(at, link));
    [at, names] = [target.root, [...target.names, ...rest]];
  }
  // Where two spellings are one name, the folder's own.
  return join(await realpath(dirname(at)), basename(at));
}

function partsOf(path: string): { root: string; names: string[] } {
  const { root } = parse(path);
  return { root, names: path.slice(root.length).split(sep).filter(Boolean) };
}

/**
 * Refuses what a store may not keep tokens in.
 *
 * @param path as {@link resolvePath} gives it
 * @returns whether there is a file
 * @throws TokenStoreError `PATH_UNUSABLE` if there is something else than a file, or a file with two
 *   names; `ACCESS_DENIED` for a file that another user may have laid there
 */
export async function requireUsable(path: string): Promise<boolean> {
  try {
    const found = await stat(path);
    if (!found.isFile()) {
      throw unusable(path, found.isDirectory() ? 'is a folder' : 'is not a plain file', undefined);
    }
    refusePlanted(path, found, await stat(dirname(path)));
    refuseOpenToAll(path, found);
    await requireOneName(path, found);
    return true;
  } catch (error) {
    if (driverCodeOf(error) === 'ENOENT') return false;
    throw fileFailure(error, path) ?? error;
  }
}

/**
 * Creates an empty file that only its owner can read, unless there is a file. A file that exists
 * keeps its rights.
 *
 * @param path as {@link resolvePath} gives it
 * @throws TokenStoreError as {@link requireUsable} and {@link fileFailure} say
 */
export async function createPrivateFile(path: string): Promise<void> {
  try {
    // Exclusively: the mode given to open() counts for a file that it creates, and for no other.
    await (await open(path, 'wx', 0o600)).close();
  } catch (error) {
    // Some systems refuse to create a file before they see that it is there.
    if (!(await requireUsable(path))) throw fileFailure(error, path) ?? error;
  }
}

/** Why a file may not be written: the code that the system gives. `undefined` if it may. */
export async function whyNotWritable(path: string): Promise<string | number | undefined> {
  try {
    await access(path, constants.W_OK);
    return undefined;
  } catch (error) {
    return driverCodeOf(error);
  }
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
  ENOENT: ['PATH_UNUSABLE', 'leads nowhere: give the path of a file'],
  EBUSY: [
    'PATH_UNUSABLE',
    'can not be replaced, it is in use by the system or mounted by itself: mount the folder that it is in',
  ],
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
