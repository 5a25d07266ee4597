import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TokenStore } from '@tokenkeep/core';
import type { MaybePromise } from '@tokenkeep/core/adapter';
import { CAPABILITIES, type Capability } from './clauses.ts';
import type { TokenStoreDefinition } from './definition.ts';

/** A class of a store or a function that makes one, which may say what it can do. */
type StoreMaker = ((...args: unknown[]) => unknown) & {
  readonly versions?: unknown;
  readonly durable?: unknown;
  readonly shared?: unknown;
  readonly iterable?: unknown;
  readonly pace?: unknown;
};

/**
 * The definition that an exported value is, or stands for.
 *
 * A class, or a function that makes a store, is given a path in a new folder, where it may put a
 * file or a folder. One that takes no argument keeps its records in itself: it is made once for each
 * place. What it declares are its static properties `versions`, `durable`, `shared`, `iterable` and `pace`.
 *
 * @returns `undefined` for a value that is none of these
 */
export function definitionOf(value: unknown, module: string): TokenStoreDefinition | undefined {
  if (isDefinition(value)) return value;
  return isStoreMaker(value) ? derivedFrom(value, module) : undefined;
}

function derivedFrom(maker: StoreMaker, module: string): TokenStoreDefinition {
  const keepsItself = maker.length === 0;
  const kept = new Map<string, MaybePromise<TokenStore>>();
  const make = (path: string): MaybePromise<TokenStore> => {
    const args = keepsItself ? [] : [path];
    return asStore(isClass(maker) ? Reflect.construct(maker, args) : maker(...args));
  };
  const declared: { -readonly [Name in Capability]?: boolean } = {};
  for (const name of CAPABILITIES) {
    const said = maker[name];
    if (typeof said === 'boolean') declared[name] = said;
  }
  return {
    name: maker.name === '' || maker.name === 'default' ? 'store' : maker.name,
    location: () => join(mkdtempSync(join(tmpdir(), 'token-store-')), 'store'),
    open: (place) => {
      const path = String(place);
      if (!keepsItself) return make(path);
      const store = kept.get(path) ?? make(path);
      kept.set(path, store);
      return store;
    },
    // A name that begins like that of the place, as `t10` begins like `t1`.
    neighbour: (place) => `${String(place)}0`,
    destroy: (place) => {
      kept.delete(String(place));
      rmSync(dirname(String(place)), { recursive: true, force: true });
    },
    ...declared,
    ...(keepsItself ? { handles: 'one' } : {}),
    ...(typeof maker.pace === 'number' ? { pace: maker.pace } : {}),
    module,
  };
}

/** Whether a value is described as `defineTokenStore` does it, by this or another copy of the kit. */
function isDefinition(value: unknown): value is TokenStoreDefinition {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'location' in value &&
    typeof value.location === 'function' &&
    'open' in value &&
    typeof value.open === 'function'
  );
}

function isStoreMaker(value: unknown): value is StoreMaker {
  return typeof value === 'function';
}

function isClass(maker: StoreMaker): boolean {
  return /^class\b/.test(Function.prototype.toString.call(maker));
}

/** What the methods of it do is what the kit finds out. */
function asStore(made: unknown): MaybePromise<TokenStore> {
  return made as MaybePromise<TokenStore>;
}
