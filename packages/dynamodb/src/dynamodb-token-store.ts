import { TokenStoreError } from '@tokenkeep/core';
import { StorageTokenStore } from '@tokenkeep/core/adapter';
import { OptimisticStorage } from '@tokenkeep/core/adapter/server';
import { createTable } from './create-table.ts';
import { DynamodbEngine } from './dynamodb-engine.ts';
import { translateError } from './errors.ts';
import { type CheckedOptions, checkOptions, type DynamodbTokenStoreOptions } from './options.ts';

/**
 * A token store in a table of Amazon DynamoDB, for any number of processes and machines.
 *
 * @example
 * const store = new DynamodbTokenStore({ table: 'tokens' });
 * await store.createTable(); // once, when the program is set up
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class DynamodbTokenStore extends StorageTokenStore {
  readonly #options: CheckedOptions;

  /** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
  constructor(options: DynamodbTokenStoreOptions = {}) {
    const checked = checkOptions(options);
    super(new OptimisticStorage(new DynamodbEngine(checked)));
    this.#options = checked;
  }

  /**
   * Creates the table, billed on demand, if there is none, and waits until it can be used. For a
   * program that is set up, or a test: it needs rights that the store itself does not.
   *
   * @throws TokenStoreError `SCHEMA_UNKNOWN` where a table of this name has other keys
   */
  async createTable(): Promise<void> {
    try {
      await createTable(this.#options);
    } catch (error) {
      const failure =
        error instanceof TokenStoreError ? error : translateError(error, this.#options.table);
      failure.operation = 'createTable';
      throw failure;
    }
  }
}
