import { inspect } from 'node:util';

const FORMS: readonly ((secret: string) => string)[] = [
  (secret) => secret,
  (secret) => JSON.stringify(secret).slice(1, -1),
  (secret) => encodeURIComponent(secret),
  (secret) => Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  (secret) => Buffer.from(secret).toString('hex'),
];

/**
 * Which way a value gives away one of the secrets, if it does: by its text, its stack, JSON, an
 * inspection that shows everything, or anything that can be reached from it.
 *
 * @returns such as `message` or `cause.sql`; `undefined` if it keeps them all
 */
export function leakIn(value: unknown, secrets: Iterable<string>): string | undefined {
  const sought = [...secrets].flatMap((secret) => FORMS.map((form) => form(secret)));
  if (sought.length === 0) return undefined;
  const holds = (text: string): boolean => sought.some((secret) => text.includes(secret));
  for (const [way, text] of textsOf(value)) if (holds(text)) return way;
  return pathTo(value, holds, '', new Set());
}

/** All the ways to turn a value into text by accident. */
function* textsOf(value: unknown): Iterable<[string, string]> {
  const ways: readonly [string, () => unknown][] = [
    ['String()', () => String(value)],
    ['a template', () => `${value}`],
    ['JSON.stringify', () => JSON.stringify(value)],
    ['util.inspect', () => inspect(value, { depth: 10 })],
    ['util.inspect with showHidden', () => inspect(value, { depth: 10, showHidden: true })],
    [
      'util.inspect with customInspect: false',
      () => inspect(value, { depth: 10, showHidden: true, customInspect: false, getters: true }),
    ],
  ];
  for (const [way, text] of ways) {
    let given: unknown;
    try {
      given = text();
    } catch {
      // What can't be turned into text this way can't leak this way.
      continue;
    }
    if (typeof given === 'string') yield [way, given];
  }
}

/** Own properties only, hidden ones too: what a logger that walks an error would find. */
function pathTo(
  value: unknown,
  holds: (text: string) => boolean,
  path: string,
  seen: Set<unknown>,
): string | undefined {
  if (typeof value === 'string') return holds(value) ? path : undefined;
  if (typeof value !== 'object' || value === null || seen.has(value) || seen.size > 2_000) return;
  seen.add(value);
  if (value instanceof Uint8Array) {
    return holds(Buffer.from(value).toString('latin1')) ? path : undefined;
  }
  const parts: [PropertyKey, unknown][] = Reflect.ownKeys(value).map((name) => {
    if (holds(String(name))) return [name, String(name)];
    const property = Object.getOwnPropertyDescriptor(value, name);
    return [name, property !== undefined && 'value' in property ? property.value : undefined];
  });
  if (value instanceof Map || value instanceof Set) parts.push(['entries', [...value]]);
  for (const [name, part] of parts) {
    const found = pathTo(part, holds, path === '' ? String(name) : `${path}.${String(name)}`, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}
