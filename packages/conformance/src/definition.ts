import type { TokenStore } from '@tokenkeep/core';
import type { MaybePromise } from '@tokenkeep/core/adapter';
import { CAPABILITIES, type Capability } from './clauses.ts';

/** Where a store keeps its records, as a value that JSON can hold: it is handed to other processes. */
export type Place = string | number | { readonly [name: string]: Place };

/** A store under test, described once. */
export interface TokenStoreDefinition<P extends Place = Place> {
  /** What reports call it. */
  readonly name: string;
  /** A fresh and empty place: a path, a database name, a key prefix. */
  location(): MaybePromise<P>;
  /** Opens a place. Called many times for one: a second handle, a reopening, another process. */
  open(location: P): MaybePromise<TokenStore>;
  /** Removes a place with all that is in it. Every handle on it was closed before. */
  destroy?(location: P): MaybePromise<void>;
  /** Whether records carry versions and `ifVersion` works (group V). */
  readonly versions?: boolean;
  /** Whether what was acknowledged outlives the process (group D). */
  readonly durable?: boolean;
  /** Whether several processes may use one place at once (group S). */
  readonly shared?: boolean;
  /** Whether `tokens()` gives every record, one after the other (group I). */
  readonly iterable?: boolean;
  /**
   * `import.meta.url` of the module that exports this definition, as its default or under any name:
   * how other processes find it. Needed where `durable` or `shared` is `true`.
   */
  readonly module?: string;
  /**
   * How many handles a place can have in one process. `one`: the store keeps its records in itself,
   * so the checks that need a second handle are done on the same one.
   *
   * @default 'many'
   */
  readonly handles?: 'one' | 'many';
  /**
   * How much slower than a store on a local disk it is. 10: a call may take ten times as long, and
   * what is tried again and again is tried less often. Every string, and every number of records, is
   * tried all the same.
   *
   * @default as the first calls show
   */
  readonly pace?: number;
  /**
   * Another place on the same backend, under another name (table, prefix, collection, file in the
   * same folder): the neighbour that must not be seen (C11, C16).
   *
   * @default `location()` called again
   */
  neighbour?(location: P): MaybePromise<P>;
  /**
   * Damages what is stored, behind the back of the store, so that it can't be read any more (C1, C14).
   * Without it, that part is untested.
   */
  damage?(location: P): MaybePromise<void>;
}

/**
 * Describes a store to `checkTokenStore`, to the test runners and to other processes.
 *
 * @example
 * export default defineTokenStore({
 *   name: 'my store',
 *   location: () => mkdtempSync(join(tmpdir(), 'my-store-')),
 *   open: (folder) => new MyStore(folder),
 *   destroy: (folder) => rmSync(folder, { recursive: true }),
 *   versions: true,
 *   durable: true,
 *   shared: true,
 *   module: import.meta.url,
 * });
 */
export function defineTokenStore<P extends Place>(
  definition: TokenStoreDefinition<P>,
): TokenStoreDefinition {
  return definition;
}

/** What a definition leaves unsaid: a capability, or its module. */
export interface MissingDeclaration {
  readonly missing: Capability | 'module';
  /** What is wrong, in a sentence. */
  readonly problem: string;
  /** The line to add. */
  readonly add: string;
}

/** What a definition has to say of each capability. */
export const QUESTIONS: Readonly<Record<Capability, string>> = {
  versions: 'whether records carry versions and ifVersion works (group V)',
  durable: 'whether what was acknowledged outlives the process (group D)',
  shared: 'whether several processes may use one place at once (group S)',
  iterable: 'whether tokens() gives every record, one after the other (group I)',
};

/** What a definition has to say and does not. A check that did not run must never look like one that did. */
export function missingDeclarations(
  definition: Pick<TokenStoreDefinition, 'module' | Capability>,
): MissingDeclaration[] {
  const missing: MissingDeclaration[] = [];
  for (const capability of CAPABILITIES) {
    if (typeof definition[capability] === 'boolean') continue;
    missing.push({
      missing: capability,
      problem: `The definition does not say ${QUESTIONS[capability]}.`,
      add: `${capability}: true,   // or false, if it is not meant to be`,
    });
  }
  if ((definition.durable || definition.shared) && definition.module === undefined) {
    missing.push({
      missing: 'module',
      problem: 'The definition does not say how other processes find it, and D and S need some.',
      add: 'module: import.meta.url,',
    });
  }
  return missing;
}
