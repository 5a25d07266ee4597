import { parseArgs } from 'node:util';
import type { CheckOptions } from '../check-token-store.ts';
import { type Capability, CLAUSE_IDS } from '../clauses.ts';
import { INTENSITIES } from '../settings.ts';

/** The ways to print a report. */
export const REPORTERS = ['pretty', 'json', 'junit', 'tap'] as const;

/** What the command line says. */
export interface CommandLine {
  /** The path of the module with the store. */
  readonly module: string;
  readonly reporter: (typeof REPORTERS)[number];
  readonly options: CheckOptions;
  /** What the store declares, where its module does not say. */
  readonly declared: Readonly<Partial<Record<Capability, boolean>>>;
}

/** The command line can't be understood. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}

/**
 * Reads a command line.
 *
 * @returns `help` where that is asked for
 * @throws UsageError
 */
export function readCommandLine(args: readonly string[]): CommandLine | 'help' {
  const { values, positionals } = parsed(args);
  if (values.help || args.length === 0) return 'help';
  const [module, ...others] = positionals;
  if (module === undefined)
    throw new UsageError('name the module with the store, such as ./my-store.ts');
  if (others.length > 0) throw new UsageError('name one module only');
  const { versions, durable, shared, iterable } = values;
  const declared = Object.entries({ versions, durable, shared, iterable }).filter(
    ([, said]) => said !== undefined,
  );
  const options: CheckOptions = {
    intensity: oneOf('--intensity', values.intensity, INTENSITIES),
    bail: values.bail,
  };
  if (values.clause.length > 0) options.clauses = values.clause.flatMap(clausesIn);
  if (values.seed !== undefined) options.seed = wholeNumber('--seed', values.seed);
  if (values.timeout !== undefined) options.timeout = wholeNumber('--timeout', values.timeout);
  return {
    module,
    reporter: oneOf('--reporter', values.reporter, REPORTERS),
    options,
    declared: Object.fromEntries(declared),
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      allowNegative: true,
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        reporter: { type: 'string', default: 'pretty' },
        clause: { type: 'string', multiple: true, default: [] },
        seed: { type: 'string' },
        timeout: { type: 'string' },
        intensity: { type: 'string', default: 'standard' },
        bail: { type: 'boolean', default: false },
        versions: { type: 'boolean' },
        durable: { type: 'boolean' },
        shared: { type: 'boolean' },
        iterable: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new UsageError(`${name} is one of ${allowed.join(', ')}`);
  return found;
}

function wholeNumber(name: string, value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new UsageError(`${name} is a whole number`);
  return Number(value);
}

function clausesIn(value: string): string[] {
  return value.split(',').map((text) => {
    const wanted = text.trim().toUpperCase();
    const isKnown = CLAUSE_IDS.some((clause) => clause === wanted || clause.startsWith(wanted));
    if (wanted === '' || !isKnown) {
      throw new UsageError(
        `--clause is a clause such as M2 or a group such as A: there is no ${JSON.stringify(text)}`,
      );
    }
    return wanted;
  });
}
