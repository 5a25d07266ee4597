import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Reporter, TestModule, Vitest } from 'vitest/node';

/** How many tests of a package ended how. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
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
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      const states = [...module.children.allTests()].map((test) => test.result().state);
      for (const state of states) {
        // A test that never came to its end did not pass.
        counts[state === 'pending' ? 'failed' : state] += 1;
      }
      // A file that can't be loaded, or whose hook failed, has no failed test to show for it.
      if (!module.ok() && !states.includes('failed')) counts.failed += 1;
    }
    const file = join(this.#root, testCountsFile);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(counts));
  }
}
