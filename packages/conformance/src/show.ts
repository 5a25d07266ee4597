import { inspect, isDeepStrictEqual } from 'node:util';

const LONGEST = 60;

/** A value for a report: on one line, long strings cut in the middle, tokens with what is in them. */
export function show(value: unknown): string {
  return inspect(plain(value), { depth: 6, breakLength: Number.POSITIVE_INFINITY, compact: true });
}

/**
 * What is different between two values, for a report: of two records only the fields that differ, of
 * anything else the whole.
 */
export function showDifference(
  actual: unknown,
  expected: unknown,
): { readonly actual: string; readonly expected: string } {
  if (!isRecord(actual) || !isRecord(expected)) {
    return { actual: show(actual), expected: show(expected) };
  }
  const names = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
  const differing = names.filter((name) => !isDeepStrictEqual(actual[name], expected[name]));
  if (differing.length === names.length) return { actual: show(actual), expected: show(expected) };
  const fields = (record: Readonly<Record<string, unknown>>): string =>
    differing
      .map((name) => `${name}: ${name in record ? show(record[name]) : 'absent'}`)
      .join(', ');
  return { actual: `{ ..., ${fields(actual)} }`, expected: `{ ..., ${fields(expected)} }` };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}

function plain(value: unknown): unknown {
  if (typeof value === 'string') return shortened(value);
  if (typeof value !== 'object' || value === null) return value;
  // Without its stack, which leads into the kit or the store's own packages.
  if (value instanceof Error) return { [inspect.custom]: () => `${value.name}: ${value.message}` };
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
