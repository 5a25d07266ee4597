import type { Stats } from 'node:fs';
import { dirname } from 'node:path';
import { TokenStoreError } from '../../errors.ts';

/** Who is asking, and what is asked about: a part of `Stats`. */
type Owned = Pick<Stats, 'uid' | 'mode'>;

const BY_EVERYBODY = 0o006;
const WRITABLE_BY_EVERYBODY = 0o002;

/**
 * Refuses what another user may have laid there to be given tokens: in a folder where everybody may
 * put things, files and links of somebody who is neither this user nor root, nor has the folder.
 * Linux has the same rule (`fs.protected_symlinks`, `fs.protected_regular`), but not for who follows
 * links by themselves.
 *
 * @throws TokenStoreError `ACCESS_DENIED`
 */
export function refusePlanted(
  path: string,
  found: Owned,
  folder: Owned,
  user: number | undefined = userId(),
): void {
  if (user === undefined || isTrusted(found, user) || found.uid === folder.uid) return;
  if ((folder.mode & WRITABLE_BY_EVERYBODY) === 0) return;
  throw denied(
    path,
    `belongs to another user, in a folder where everybody may put things. Delete it, or use a folder of your own: not ${JSON.stringify(dirname(path))}`,
  );
}

/**
 * Refuses a file of another user that everybody may read or write: what is saved would be theirs.
 *
 * @throws TokenStoreError `ACCESS_DENIED`
 */
export function refuseOpenToAll(
  path: string,
  file: Owned,
  user: number | undefined = userId(),
): void {
  if (user === undefined || isTrusted(file, user) || (file.mode & BY_EVERYBODY) === 0) return;
  throw denied(
    path,
    'belongs to another user, and everybody may read or write it. Take these rights away (chmod o-rwx), or give another path',
  );
}

function isTrusted({ uid }: Owned, user: number): boolean {
  return uid === user || uid === 0;
}

/** Nobody on Windows, where the folder says who may do what. */
function userId(): number | undefined {
  return process.geteuid?.();
}

function denied(path: string, problem: string): TokenStoreError {
  return new TokenStoreError('ACCESS_DENIED', `The path ${JSON.stringify(path)} ${problem}.`);
}
