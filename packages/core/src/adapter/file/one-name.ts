import type { Stats } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { TokenStoreError } from '../../errors.ts';

/**
 * Refuses a file with two names. What a store keeps beside the file, or puts in its place, goes by
 * the name: what is saved by one name is lost to the other, without an error.
 *
 * @throws TokenStoreError `PATH_UNUSABLE`
 */
export async function requireOneName(path: string, file: Stats): Promise<void> {
  if (file.nlink > 1) {
    throw new TokenStoreError(
      'PATH_UNUSABLE',
      `The file ${JSON.stringify(path)} has another name, a hard link, and what is saved by one name would be lost to the other. Delete the other name, or make it a symbolic link.`,
    );
  }
  if ((await mountPoints()).has(path)) {
    throw new TokenStoreError(
      'PATH_UNUSABLE',
      `The file ${JSON.stringify(path)} is mounted by itself, and what is saved there would be lost to those who use it by its other name. Mount the folder that it is in.`,
    );
  }
}

/** Linux tells what is mounted; elsewhere nothing is known. */
async function mountPoints(): Promise<ReadonlySet<string>> {
  const text = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const points = text.split('\n').flatMap((line) => line.split(' ')[4] ?? []);
  return new Set(points.map(unescaped));
}

/** Blanks, tabs, line breaks and backslashes are written as octal numbers. */
function unescaped(name: string): string {
  return name.replace(/\\([0-7]{3})/g, (_all, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
