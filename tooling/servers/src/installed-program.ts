import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { ProgramFolder } from './program-folder.ts';

/**
 * The place of a program that is installed on this machine: on the path, or in a folder of
 * servers that a user's path often lacks.
 */
export function installedProgram(name: string): (ProgramFolder & { path: string }) | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const folder of folders) {
    const path = join(folder, name);
    if (folder === '' || !existsSync(path)) continue;
    return {
      path,
      folder: dirname(dirname(realpathSync(path))),
      program: (program) => [program],
    };
  }
  return undefined;
}
