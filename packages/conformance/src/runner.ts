import { checksFor } from './checks-for.ts';
import { CAPABILITIES, type Capability, CLAUSE_IDS, capabilityOf } from './clauses.ts';
import { missingDeclarations, type TokenStoreDefinition } from './definition.ts';
import { failureText } from './printers/failure-text.ts';
import { type CheckResult, runCheck } from './run-check.ts';
import {
  INTENSITIES,
  type Intensity,
  type Settings,
  type SettingsOptions,
  settingsOf,
} from './settings.ts';
import { tryOut } from './try-out.ts';

/** What a test framework has to offer: vitest, jest, mocha, bun and node:test do. */
export interface TestFramework {
  describe(name: string, define: () => void): unknown;
  it: TestFunction & { readonly skip?: TestFunction };
}

type TestFunction = (
  name: string,
  test: (...context: unknown[]) => Promise<void>,
  timeout?: number,
) => unknown;

/** What the tests of a store can be told. */
export interface TestOptions extends SettingsOptions {
  /** Only these clauses, or groups by their letter, such as `['A', 'C5']`. */
  clauses?: readonly string[];
}

/** As slow a store may be that does not say how slow it is, before the framework ends its test. */
const UNMEASURED = 30;
/** How long closing and destroying may take beyond the limit of a check: milliseconds. */
const GRACE = 30_000;

/**
 * Makes a test of every check, titled with its clause, in whatever test framework there is.
 *
 * What is not told by options is read from the environment: `KIT_INTENSITY` and `KIT_SEED`.
 *
 * @example
 * import { describe, it } from 'mocha';
 * testTokenStore(definition, { describe, it });
 */
export function testTokenStore(
  definition: TokenStoreDefinition,
  { describe, it }: TestFramework,
  options: TestOptions = {},
): void {
  const showAsSkipped = it.skip;
  const told = { ...fromEnvironment(), ...options };
  // Measured by the first test that needs it: tests are defined before anything can be awaited.
  let measured: Promise<Settings> | undefined;
  const settings = (): Promise<Settings> =>
    (measured ??= tryOut(definition).then((pace) => settingsOf(told, pace)));
  const { checkLimit } = settingsOf(told, { factor: definition.pace ?? UNMEASURED });
  describe(`${definition.name} keeps the token store contract`, () => {
    for (const { missing, problem, add } of missingDeclarations(definition)) {
      it(`its definition says: ${missing}`, async () => {
        throw new Error(`${problem} Add to it:  ${add}`);
      });
    }
    for (const capability of declaredMissing(definition)) {
      const clauses = CLAUSE_IDS.filter((clause) => capabilityOf(clause) === capability);
      const title = `${clauses.join(', ')}: skipped, as the definition declares ${capability}: false`;
      showAsSkipped?.(title, async () => {});
    }
    for (const check of checksFor(definition, options.clauses)) {
      it(
        `${check.clause} ${check.title}`,
        async (...context) => {
          const result = await runCheck(check, definition, await settings());
          if (result.status === 'failed') throw asError(result);
          if (result.status === 'untested') skip(context[0], result.reason);
        },
        checkLimit + GRACE,
      );
    }
  });
}

/** Where a test can say that it did not run, it must not look as if it had. */
function skip(context: unknown, reason: string | undefined): void {
  const skipTest: unknown = Reflect.get(Object(context), 'skip');
  if (typeof skipTest === 'function') Reflect.apply(skipTest, context, [reason]);
}

function declaredMissing(definition: TokenStoreDefinition): Capability[] {
  return CAPABILITIES.filter((name) => definition[name] === false);
}

function asError(result: CheckResult): Error {
  const error = new Error(result.failures.map((failure) => failureText(failure)).join('\n\n'));
  error.name = `${result.failures[0]?.clause ?? result.clause} broken`;
  // The stack would lead into the kit, which is not where the fault is.
  error.stack = `${error.name}: ${error.message}`;
  return error;
}

function fromEnvironment(): SettingsOptions {
  const { KIT_INTENSITY, KIT_SEED } = process.env;
  const options: SettingsOptions = {};
  if (isIntensity(KIT_INTENSITY)) options.intensity = KIT_INTENSITY;
  if (KIT_SEED !== undefined && /^\d+$/.test(KIT_SEED)) options.seed = Number(KIT_SEED);
  return options;
}

function isIntensity(text: string | undefined): text is Intensity {
  return INTENSITIES.some((intensity) => intensity === text);
}
