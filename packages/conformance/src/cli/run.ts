import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { styleText } from 'node:util';
import { CannotRun, checkTokenStore } from '../check-token-store.ts';
import type { TokenStoreDefinition } from '../definition.ts';
import { firstLine } from '../expectations.ts';
import { placeOf } from '../failure-cause.ts';
import { loadDefinition, NoDefinition } from '../load-definition.ts';
import { junitReport } from '../printers/junit.ts';
import { type Paint, plain } from '../printers/paint.ts';
import { prettyReport } from '../printers/pretty.ts';
import { tapReport } from '../printers/tap.ts';
import type { Report } from '../report.ts';
import { quotedPath } from '../run-check.ts';
import { HELP } from './help.ts';
import { type CommandLine, readCommandLine, UsageError } from './options.ts';
import { progressLine } from './progress.ts';

/** Where the command writes, and whether that is a terminal. */
export interface Streams {
  readonly out: NodeJS.WriteStream;
  readonly error: NodeJS.WriteStream;
}

/**
 * Runs the command.
 *
 * @returns the exit code: 0 all kept, 1 broken, 2 could not run
 */
export async function run(args: readonly string[], { out, error }: Streams): Promise<0 | 1 | 2> {
  try {
    const commandLine = readCommandLine(args);
    if (commandLine === 'help') {
      out.write(HELP);
      return args.length === 0 ? 2 : 0;
    }
    const definition = await load(commandLine);
    const progress = progressLine(error);
    const report = await checkTokenStore(definition, {
      ...commandLine.options,
      command: commandOf(commandLine),
      onProgress: progress.show,
    }).finally(progress.clear);
    out.write(printed(report, commandLine.reporter, out));
    return report.passed ? 0 : 1;
  } catch (failure) {
    const known =
      failure instanceof UsageError ||
      failure instanceof NoDefinition ||
      failure instanceof CannotRun;
    error.write(`could not run: ${known ? failure.message : firstLine(failure)}\n`);
    if (failure instanceof UsageError) error.write('see --help\n');
    return 2;
  }
}

/** The command without its clauses and seed, to be pasted. */
function commandOf({ module, declared }: CommandLine): string {
  const flags = Object.entries(declared).map(
    ([name, is]) => ` --${is === true ? '' : 'no-'}${name}`,
  );
  return `npx @tokenkeep/conformance ${quotedPath(module)}${flags.join('')}`;
}

async function load({ module, declared }: CommandLine): Promise<TokenStoreDefinition> {
  const path = resolve(module);
  if (!existsSync(path)) throw new UsageError(`there is no file ${module}`);
  const url = pathToFileURL(path).href;
  let definition: TokenStoreDefinition;
  try {
    definition = await loadDefinition(url);
  } catch (failure) {
    if (failure instanceof NoDefinition) throw failure;
    throw new NoDefinition(`${module} does not load: ${whereItFails(failure, url)}`);
  }
  // What is said on the command line is meant for this run.
  return Object.assign(Object.create(definition), declared);
}

/** An error of a module that does not load, with its line: of what can't be read only the stack tells that. */
function whereItFails(failure: unknown, url: string): string {
  const where = placeOf(failure);
  if (where !== undefined) return `${firstLine(failure)} (${where})`;
  // Node prints the line of what it can't parse, and tells it to nobody: so it is asked to print.
  const again = spawnSync(
    process.execPath,
    [...process.execArgv, '--input-type=module', '-e', `await import(${JSON.stringify(url)})`],
    { encoding: 'utf8' },
  );
  const [line] = /^(file:)?\/.*:\d+$/m.exec(again.stderr) ?? [];
  return `${firstLine(failure)}${line === undefined ? '' : ` (${line.replace('file://', '')})`}`;
}

function printed(
  report: Report,
  reporter: CommandLine['reporter'],
  stream: NodeJS.WriteStream,
): string {
  switch (reporter) {
    case 'pretty':
      return prettyReport(report, stream.isTTY ? painted(stream) : plain);
    case 'json':
      return `${JSON.stringify(report, undefined, 2)}\n`;
    case 'junit':
      return junitReport(report);
    case 'tap':
      return tapReport(report);
  }
}

/** Colours, unless `NO_COLOR` or the terminal says no. */
function painted(stream: NodeJS.WriteStream): Paint {
  return (look, text) => styleText(look, text, { stream });
}
