import type { TokenStoreDefinition } from './definition.ts';
import { definitionOf } from './derived-definition.ts';

/** Why a module has no definition to check, and what to do about it. */
export class NoDefinition extends Error {
  override readonly name: string = 'NoDefinition';
}

/**
 * The definition that a module exports, as its default, under any name, or in a list.
 *
 * @param name which one, where it exports several
 * @throws NoDefinition
 */
export async function loadDefinition(module: string, name?: string): Promise<TokenStoreDefinition> {
  const exported: Record<string, unknown> = await import(module);
  const found: TokenStoreDefinition[] = [];
  for (const value of [exported['default'], ...Object.values(exported)].flat()) {
    const definition = definitionOf(value, module);
    if (definition !== undefined && (name === undefined || definition.name === name)) {
      return definition;
    }
    if (definition !== undefined) found.push(definition);
  }
  if (found.length === 0) {
    throw new NoDefinition(
      'The module exports no store to check. Export one as its default: `export default defineTokenStore({ ... })`, or simply the class of the store.',
    );
  }
  throw new NoDefinition(
    `The module exports no definition named ${JSON.stringify(name)}, but ${found.map((one) => JSON.stringify(one.name)).join(', ')}.`,
  );
}
