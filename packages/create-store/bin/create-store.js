#!/usr/bin/env node
// The command in a checkout, where nothing is built: it runs the sources. What is published has
// dist/cli.js in its place.
await import('../src/cli.ts');
