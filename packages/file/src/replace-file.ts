import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Gives a file another content in one step: whoever reads it, or finds it after a power failure,
 * has the old content or the new one. Only one process may do so at a time.
 *
 * The new file is readable and writable by its owner only, who stays the same.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.tokenkeep-tmp`;
  // Left by a process that was killed: whoever has the lock is the only one who writes.
  await rm(temporary, { force: true });
  const file = await open(temporary, 'wx', 0o600);
  try {
    try {
      await file.writeFile(text);
      const before = await stat(path).catch(() => undefined);
      const now = await file.stat();
      if (before !== undefined && before.uid !== now.uid) await file.chown(before.uid, before.gid);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    // What went wrong with the new file is the error to tell.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

/** The name of a file is in its folder, which is written to the disk by itself. */
async function syncFolder(path: string): Promise<void> {
  // Windows has no such thing.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
