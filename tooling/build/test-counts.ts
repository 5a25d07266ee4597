import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Reporter, TestModule, Vitest } from 'vitest/node';

/** How many tests of a package ended how. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Of each that failed: its file, its name, and how its first error begins. */
  readonly failures: readonly string[];
}

/** Where a package's counts are kept, in its folder. turbo keeps them with a cached result. */
export const testCountsFile: string = 'node_modules/.cache/test-counts.json';

/** Writes a package's {@link TestCounts} at the end of its run, for the sum over all packages. */
export class TestCountsReporter implements Reporter {
  #root: string = process.cwd();

  onInit(vitest: Vitest): void {
    this.#root = vitest.config.root;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, skipped: 0 };
    const failures = unhandledErrors.map((error) => inShort('outside of a test', [error]));
    for (const module of modules) {
      const before = failures.length;
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        if (state === 'passed' || state === 'skipped') counts[state] += 1;
        // A test that never came to its end did not pass.
        else failures.push(inShort(`${module.relativeModuleId}: ${test.fullName}`, errors));
      }
      // A file that can't be loaded, or whose hook failed, has no failed test to show for it.
      for (const part of [module, ...module.children.allSuites()]) {
        const errors = part.errors();
        if (errors.length > 0) failures.push(inShort(module.relativeModuleId, errors));
      }
      if (!module.ok() && failures.length === before) {
        failures.push(inShort(module.relativeModuleId, undefined));
      }
    }
    const file = join(this.#root, testCountsFile);
    mkdirSync(dirname(file), { recursive: true });
    const all: TestCounts = { ...counts, failed: failures.length, failures };
    writeFileSync(file, JSON.stringify(all));
  }
}

function inShort(name: string, errors: readonly unknown[] | undefined): string {
  const error = errors?.[0];
  const message =
    typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  const lines = String(message ?? 'did not end').split('\n');
  return [name, ...lines.slice(0, 12).map((line) => `    ${line}`)].join('\n');
}
