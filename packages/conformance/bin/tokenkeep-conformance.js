#!/usr/bin/env node
// The command in a checkout, where nothing is built: it runs the sources. What is published has
// dist/cli.js in its place.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
const { status } = spawnSync(
  process.execPath,
  ['--conditions=@tokenkeep/source', cli, ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 2;
