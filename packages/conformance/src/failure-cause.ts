import { relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { PromiseBroken } from './promise-broken.ts';

/** Where frames of a stack are nobody's fault: the kit, core, and Node itself. */
const NOT_THE_STORE: readonly string[] = [
  new URL('.', import.meta.url).href,
  new URL('..', import.meta.resolve('@tokenkeep/core')).href,
  'node:',
  '(node:',
];

/** An error of the store that no check asked for, in the form of a broken promise. */
export function unexpected(error: unknown): PromiseBroken {
  if (error instanceof PromiseBroken) return error;
  return new PromiseBroken('every call to do what it is asked', `one failed with ${told(error)}`, {
    cause: causeOfError(error),
    where: placeOf(error),
  });
}

/** An error with its code, the operation and the driver's code, in so far as it has them. */
export function told(error: unknown): string {
  const parts = [
    codeOf(error),
    named('operation', Reflect.get(Object(error), 'operation')),
    named('driver code', Reflect.get(Object(error), 'driverCode')),
    firstLine(error),
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

function named(name: string, value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? `${name} ${value}` : undefined;
}

/** The same for errors that come of one fault: what differs from call to call is left out. */
export function causeOfError(error: unknown): string {
  return [withoutValues(firstLine(error)), placeOf(error) ?? ''].join(' at ').replace(/ at $/, '');
}

/** A text without what differs from call to call: values, and numbers. */
export function withoutValues(text: string): string {
  return text
    .replace(/'[^']*'|"[^"]*"/g, '...')
    .replace(/\{.*\}|\[.*\]/gs, '...')
    .replace(/\d+/g, 'N');
}

/** The line of the store's own code that an error comes from, such as `my-store.ts:12:5`. */
export function placeOf(error: unknown): string | undefined {
  return framesOf(error)[0];
}

/** The frames of an error's stack that are in the store's own code, or in its driver. */
export function framesOf(error: unknown): string[] {
  if (!(error instanceof Error) || error.stack === undefined) return [];
  return error.stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line) && !NOT_THE_STORE.some((part) => line.includes(part)))
    .map((line) => shortened(line.trim().replace(/^at /, '')));
}

/** A frame with its path as seen from the working directory. */
function shortened(frame: string): string {
  return frame.replace(/file:\/\/[^\s)]+?(?=:\d+(:\d+)?\)?$)/, (url) => {
    const path = fileURLToPath(url.replace(/\?.*$/, ''));
    const near = relative(process.cwd(), path);
    return near.startsWith('..') ? path : near;
  });
}

/** The stable code of an error, whichever class it is of. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The name and the first line of the message of an error. */
export function firstLine(error: unknown): string {
  return (
    String(error instanceof Error ? `${error.name}: ${error.message}` : error).split('\n', 1)[0] ??
    ''
  );
}
