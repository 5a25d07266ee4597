import type {
  ClearableField,
  OAuthToken,
  SaveOptions,
  StoredRecord,
  TokenInit,
  TokenRecord,
} from '@tokenkeep/core';
import { CLEARABLE_FIELDS } from '@tokenkeep/core/adapter';
import { ListTokenStore } from '@tokenkeep/list';
import type { TokenStoreDefinition } from './definition.ts';

type Declared = Pick<TokenStoreDefinition, 'fields'>;

/** The fields that a store does not keep, as its definition says. */
export function fieldsNotKept({ fields = CLEARABLE_FIELDS }: Declared): readonly ClearableField[] {
  return CLEARABLE_FIELDS.filter((field) => !fields.includes(field));
}

/** A token, or a record, without what a store does not keep. */
export function onlyKept<T extends TokenInit | TokenRecord>(init: T, definition: Declared): T {
  if (definition.fields === undefined) return init;
  const gone: readonly string[] = fieldsNotKept(definition).map((field) =>
    field === 'userSignature' && !('userSignature' in init) ? 'userName' : field,
  );
  return Object.fromEntries(Object.entries(init).filter(([name]) => !gone.includes(name))) as T;
}

/**
 * A store that keeps the contract, but for the fields that another one does not keep either: what
 * fails on this one says nothing against that one.
 */
export function rightStoreWith(definition: TokenStoreDefinition): TokenStoreDefinition {
  const lists = new Map<string, StoredRecord[]>();
  const { fields, versions, iterable } = definition;
  return {
    name: `a right store for ${definition.name}`,
    location: () => crypto.randomUUID(),
    open: (place) => {
      const records = lists.get(String(place)) ?? [];
      lists.set(String(place), records);
      return new ForgetfulTokenStore(records, definition);
    },
    destroy: (place) => void lists.delete(String(place)),
    ...(fields === undefined ? {} : { fields }),
    ...(versions === undefined ? {} : { versions }),
    ...(iterable === undefined ? {} : { iterable }),
    durable: false,
    shared: false,
  };
}

class ForgetfulTokenStore extends ListTokenStore {
  readonly #definition: Declared;

  constructor(records: StoredRecord[], definition: Declared) {
    super({ records });
    this.#definition = definition;
  }

  override async saveToken(token: OAuthToken, options?: SaveOptions): Promise<OAuthToken> {
    // What is no token is refused by the store itself.
    const gone = typeof token?.with === 'function' ? fieldsNotKept(this.#definition) : [];
    const kept = gone.reduce<OAuthToken>((rest, field) => rest.with({ [field]: null }), token);
    return options === undefined ? super.saveToken(kept) : super.saveToken(kept, options);
  }
}
