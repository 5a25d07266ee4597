import { inspect } from 'node:util';

const LONGEST = 60;

/** A value for a report: on one line, long strings cut in the middle, tokens with what is in them. */
export function show(value: unknown): string {
  return inspect(plain(value), { depth: 6, breakLength: Number.POSITIVE_INFINITY, compact: true });
}

function plain(value: unknown): unknown {
  if (typeof value === 'string') return shortened(value);
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  // The secrets in it were made up by the kit.
  if ('toRecord' in value && typeof value.toRecord === 'function') return plain(value.toRecord());
  if (Array.isArray(value)) {
    const shown = value.slice(0, 8).map(plain);
    return value.length > 8 ? [...shown, `... ${value.length - 8} more`] : shown;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== undefined)
      .map(([name, part]) => [name, plain(part)]),
  );
}

function shortened(text: string): string {
  if (text.length <= LONGEST) return text;
  return `${text.slice(0, LONGEST / 2)}... (${text.length} characters)`;
}
