import { join } from 'node:path';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { TestCountsReporter } from './test-counts.ts';

/** How the tests of every package run: on the sources, of all packages, with nothing built. */
const config: ViteUserConfig = defineConfig({
  ssr: { resolve: { conditions: ['@tokenkeep/source'] } },
  test: {
    include: ['test/**/*.test.ts'],
    // Else each file loads the drivers again, in a process of its own. What a test stubs it takes back.
    isolate: false,
    testTimeout: 60_000,
    // A hook that starts a server may be the one that fetches it, once on each machine.
    hookTimeout: 180_000,
    // Tests slower than this, in milliseconds, are listed one by one.
    slowTestThreshold: 5_000,
    allowOnly: false,
    env: {
      // Child processes that tests start run the sources too.
      NODE_OPTIONS: '--conditions=@tokenkeep/source',
      // There are hundreds of them: each would take the types out of the same sources again.
      NODE_COMPILE_CACHE: join(import.meta.dirname, '../../node_modules/.cache/compile'),
    },
    reporters: ['default', new TestCountsReporter()],
  },
});
export default config;
