import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  OAuthToken,
  type SaveOptions,
  type TokenInit,
  type TokenStoreError,
} from '@tokenkeep/core';
import { type DynamodbServer, sharedServer, startDynamodb } from '@tokenkeep/test-servers';
import { afterAll, beforeAll } from 'vitest';
import { DynamodbTokenStore, type DynamodbTokenStoreOptions } from '../src/index.ts';
import { configFor } from './config-for.ts';

/**
 * The kit, which makes hundreds of tables, has another. And the README names its table, which a server
 * of somebody else may have already.
 */
export const sharedDynamodb: () => Promise<DynamodbServer> = sharedServer(() =>
  startDynamodb({ own: true, tables: 'memory' }),
);

/** Tables for the tests of a file. */
export class Tables {
  #server: DynamodbServer | undefined;

  /** To be called where a file's tests are declared. */
  static forThisFile(): Tables {
    const tables = new Tables();
    beforeAll(async () => {
      tables.#server = await sharedDynamodb();
    }, 180_000);
    return tables;
  }

  /** The same for tests that kill their server: on one of its own. */
  static onOwnServer(): Tables {
    const tables = new Tables();
    beforeAll(async () => {
      tables.#server = await startDynamodb({ own: true });
    }, 180_000);
    afterAll(() => tables.#server?.stop());
    return tables;
  }

  get server(): DynamodbServer {
    if (this.#server === undefined) throw new Error('the server was not started');
    return this.#server;
  }

  /** The name of a table that is there, and empty. */
  async create(): Promise<string> {
    const table = newName('tokens');
    await using store = this.open(table);
    await store.createTable();
    return table;
  }

  open(table: string, options: Partial<DynamodbTokenStoreOptions> = {}): DynamodbTokenStore {
    const where = options.client === undefined ? { options: configFor(this.server.url) } : {};
    return new DynamodbTokenStore({ table, ...where, ...options });
  }

  /**
   * Makes durable what was acknowledged so far. DynamoDB Local, which is no more than a stand-in there,
   * loses the last transaction when it is killed, unless a write without one has come after it.
   */
  async flush(table: string): Promise<void> {
    const client = this.client();
    const Item = { pk: { S: 'flush' }, sk: { N: '0' } };
    await client.send(new PutItemCommand({ TableName: table, Item }));
    client.destroy();
  }

  client(settings: object = {}): DynamoDBClient {
    return new DynamoDBClient({ ...configFor(this.server.url), ...settings });
  }
}

/** The name of a table that no other test uses. */
export const newName = (what: string): string => `${what}-${crypto.randomUUID()}`;

export const save = (
  store: DynamodbTokenStore,
  init: TokenInit,
  options?: SaveOptions,
): Promise<OAuthToken> => store.saveToken(new OAuthToken(init), options);

export const user = (name: string): { userSignature: { name: string } } => ({
  userSignature: { name },
});

export const failure = (promise: Promise<unknown>): Promise<TokenStoreError> =>
  promise.then(
    () => {
      throw new Error('it succeeded');
    },
    (error) => error,
  );
