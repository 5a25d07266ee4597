import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { makePackage } from './make-package.ts';
import { nameFor } from './package-name.ts';
import { UsageError } from './usage-error.ts';

const HELP = `Makes a package for an OAuth token store of your own.

  npm create @tokenkeep/store my-store

The folder my-store gets an unfinished store, its definition, a test of every clause of the token
store contract, and a README that leads on from there. Nothing that exists is overwritten.
`;

/**
 * Runs the command.
 *
 * @returns the exit code: 0 done, 2 not
 */
export async function run(
  args: readonly string[],
  out: NodeJS.WritableStream,
  error: NodeJS.WritableStream,
): Promise<0 | 2> {
  try {
    const folder = folderIn(args);
    if (folder === undefined) {
      out.write(HELP);
      return args.length === 0 ? 2 : 0;
    }
    const files = await makePackage(folder, nameFor(basename(folder)));
    out.write(`${files.map((file) => `  ${file}\n`).join('')}
Next:
  cd ${folder}
  npm install
  npm run check -- --bail    what to do first, and why
`);
    return 0;
  } catch (failure) {
    if (!(failure instanceof UsageError)) throw failure;
    error.write(`could not make it: ${failure.message}\n`);
    return 2;
  }
}

/** @returns `undefined` where help is due */
function folderIn(args: readonly string[]): string | undefined {
  const { values, positionals } = parsed(args);
  const [folder, ...others] = positionals;
  if (others.length > 0) throw new UsageError('name one folder only');
  return values.help ? undefined : folder;
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h', default: false } },
    });
  } catch (failure) {
    throw new UsageError(failure instanceof Error ? failure.message : String(failure));
  }
}
