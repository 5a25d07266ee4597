// Runs every input against the packages that are installed here, as a program of a user does. Prints
// a line for each: what was given, and what came. Ends with 1 if one is not as it should be.
import { inspect, isDeepStrictEqual } from 'node:util';
import { ANSWERS } from './answers.js';
import { DRIVERS } from './drivers.js';
import { FILES } from './files.js';
import { OPTIONS } from './options.js';
import { SAVES } from './saves.js';
import { TOKENS } from './tokens.js';
import { VENDOR_FILES } from './vendor-files.js';

let wrong = 0;
for (const { given, run, expected } of [
  ...TOKENS,
  ...SAVES,
  ...ANSWERS,
  ...OPTIONS,
  ...FILES,
  ...VENDOR_FILES,
  // Last: they take the drivers away.
  ...DRIVERS,
]) {
  const came = await outcomeOf(run);
  const isRight =
    expected instanceof RegExp ? expected.test(textOf(came)) : isDeepStrictEqual(came, expected);
  if (!isRight) wrong += 1;
  const line = `${isRight ? 'right' : 'WRONG'}  ${given}  ->  ${textOf(came).slice(0, 160)}`;
  console.log(isRight ? line : `${line}\n       expected: ${textOf(expected)}`);
}
console.log(wrong === 0 ? 'every input came out right' : `${wrong} came out wrong`);
process.exitCode = wrong === 0 ? 0 : 1;

/** What it gives; of an error, its code and its message. */
async function outcomeOf(run) {
  try {
    return await run();
  } catch (error) {
    return `${error.code ?? error.name}: ${error.message}`;
  }
}

function textOf(value) {
  return typeof value === 'string' ? value : inspect(value, { breakLength: Infinity, depth: 4 });
}
