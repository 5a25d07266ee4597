import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cachedFolder } from './cache-folder.ts';
import type { Program } from './program-folder.ts';
import { ServerProcess, startOnFreePort } from './server-process.ts';
import { type SqlServer, sqlServerAt, sqlUrl, sqlVariable } from './sql-server.ts';
import type { StartOptions } from './test-server.ts';

/** MariaDB or MySQL as a program on this machine. */
export interface SqlProgram {
  readonly name: 'MariaDB' | 'MySQL';
  readonly version: string;
  /** What runs it on the files in a folder. */
  commandOn(files: string): Program;
  /** Puts the system tables into the folder `files`, which is empty; `folder` is for what else it needs. */
  makeSystemTables(files: string, folder: string): Promise<void>;
  /** More arguments for a server that is to be connected to. */
  readonly args: readonly string[];
}

/** Starts it on a free port, in a temporary folder. */
export async function startSqlProgram(
  program: SqlProgram,
  options: StartOptions,
): Promise<SqlServer> {
  const kind = program.name.toLowerCase();
  // Making the system tables takes seconds; each server starts on a copy of them.
  const template = await cachedFolder(`${kind}-files-${program.version}`, async (folder) => {
    const files = join(folder, 'files');
    await mkdir(files);
    await program.makeSystemTables(files, folder);
  });
  return startOnFreePort(kind, async ({ folder, port }) => {
    const files = join(folder, 'files');
    await cp(join(template, 'files'), files, { recursive: true });
    const lifecycle = await ServerProcess.start({
      name: program.name,
      folder,
      command: [
        ...program.commandOn(files),
        `--port=${port}`,
        '--bind-address=127.0.0.1',
        `--socket=${join(folder, 'socket')}`,
        `--pid-file=${join(folder, 'pid')}`,
        '--skip-name-resolve',
        '--max-connections=500',
        ...program.args,
        ...(options.args ?? []),
      ],
      ready: async () => (await sqlVariable(sqlUrl(port), 'datadir')).startsWith(files),
    });
    return sqlServerAt(sqlUrl(port), lifecycle);
  });
}
