#!/usr/bin/env node
import process from 'node:process';
import { run } from './cli/run.ts';

const code = await run(process.argv.slice(2), { out: process.stdout, error: process.stderr });
// A store that keeps the process alive must not keep the command from its end.
process.stdout.write('', () => process.exit(code));
