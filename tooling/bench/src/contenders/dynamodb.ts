import {
  DynamoDBClient,
  GetItemCommand,
  type GetItemCommandOutput,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { DynamodbTokenStore } from '@tokenkeep/dynamodb';
import { startDynamodb } from '@tokenkeep/test-servers';
import { bareCalls } from '../bare-calls.ts';
import type { Contender } from '../contender.ts';
import { SharedClient } from '../shared-client.ts';
import { fillStore, storeCalls } from '../store-contender.ts';

const server = new SharedClient({
  start: () => startDynamodb({ own: true, tables: 'disk' }),
  connect: ({ url }) =>
    new DynamoDBClient({
      endpoint: url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
    }),
  disconnect: (client) => client.destroy(),
});

/**
 * The SDK's own calls: an item under its user and one under its refresh token, got by one consistent
 * read, put by one call. They match nothing, merge nothing and check nothing, and give items.
 */
const bare = server.contender('bare calls of dynamodb', async (client, tokens) => {
  // One that our store makes: what is compared is what the store does.
  await using store = new DynamodbTokenStore({ table: 'bare', client });
  await store.createTable();
  const keyOf = (name: string) => ({ pk: { S: name }, sk: { N: '0' } });
  const get = (name: string): Promise<GetItemCommandOutput> =>
    client.send(new GetItemCommand({ TableName: 'bare', Key: keyOf(name), ConsistentRead: true }));
  const put = (name: string, record: string) => {
    const Item = { ...keyOf(name), record: { S: record } };
    return client.send(new PutItemCommand({ TableName: 'bare', Item }));
  };
  const statements = {
    findByUser: get,
    findByRefreshToken: get,
    upsert: (token: (typeof tokens)[number]) => {
      const record = token.toRecord();
      return () => put(record.userName ?? '', JSON.stringify(record));
    },
  };
  for (const token of tokens) {
    const record = token.toRecord();
    await statements.upsert(token)();
    await put(record.refreshToken ?? '', JSON.stringify(record));
  }
  return { calls: bareCalls(statements, tokens.length), close: () => undefined };
});

export const dynamodb: Contender = {
  ...server.contender('dynamodb', async (client, tokens) => {
    // The local engine takes long over a thousand saves at once.
    const store = new DynamodbTokenStore({ client, timeout: 120_000 });
    await store.createTable();
    await fillStore(store, tokens);
    return { calls: storeCalls(store, tokens.length), close: () => store.close() };
  }),
  bare,
  sizes: [1_000],
};
