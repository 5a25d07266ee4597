import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { firstLine, placeOf } from './failure-cause.ts';

/** An error of a module that does not load, with the line that it comes from. */
export function whereItFails(failure: unknown, url: string): string {
  const where = placeOf(failure);
  if (where !== undefined) return `${firstLine(failure)} (${where})`;
  // Node prints the line of what it can't parse, and tells it to nobody: so it is asked to print.
  const again = spawnSync(
    process.execPath,
    [...process.execArgv, '--input-type=module', '-e', `await import(${JSON.stringify(url)})`],
    { encoding: 'utf8', timeout: 10_000 },
  );
  const [line] = /^(file:)?\/.*:\d+$/m.exec(again.stderr) ?? [];
  return `${firstLine(failure)}${line === undefined ? '' : ` (${line.replace('file://', '')})`}`;
}
