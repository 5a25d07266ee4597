import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { styleText } from 'node:util';
import { CannotRun } from '../check-token-store.ts';
import { type CheckingTask, checkInProcess } from '../checking.ts';
import { firstLine } from '../failure-cause.ts';
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
    const progress = progressLine(error);
    const report = await checkInProcess(taskOf(commandLine), progress.show).finally(progress.clear);
    out.write(printed(report, commandLine.reporter, out));
    return report.passed ? 0 : 1;
  } catch (failure) {
    const isKnown = failure instanceof UsageError || failure instanceof CannotRun;
    error.write(`could not run: ${isKnown ? failure.message : firstLine(failure)}\n`);
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

function taskOf(commandLine: CommandLine): CheckingTask {
  const { module, declared, options } = commandLine;
  const path = resolve(module);
  if (!existsSync(path)) throw new UsageError(`there is no file ${module}`);
  return {
    module: pathToFileURL(path).href,
    name: module,
    declared,
    options: { ...options, command: commandOf(commandLine) },
  };
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
