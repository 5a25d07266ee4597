import { DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { DynamodbTokenStore } from '@tokenkeep/dynamodb';
import { sharedServer, startDynamodb } from '@tokenkeep/test-servers';
import { configFor } from './config-for.ts';

const server = sharedServer(() => startDynamodb({ tables: 'memory' }));

const definition: TokenStoreDefinition = defineTokenStore({
  name: 'DynamodbTokenStore on DynamoDB Local',
  location: async () => created({ url: (await server()).url, table: `t${crypto.randomUUID()}` }),
  open: (place) => storeAt(place),
  destroy: async ({ url, table }) => {
    await clientOf(url).send(new DeleteTableCommand({ TableName: table }));
  },
  neighbour: ({ url, table }) => created({ url, table: `${table}2` }),
  versions: true,
  durable: true,
  shared: true,
  iterable: true,
  module: import.meta.url,
  pace: 10,
});
export default definition;

interface TablePlace {
  readonly [name: string]: string;
  readonly url: string;
  readonly table: string;
}

function storeAt({ url, table }: TablePlace): DynamodbTokenStore {
  return new DynamodbTokenStore({ table, options: configFor(url) });
}

/** One for all tables: to connect takes longer than to create one. */
let client: DynamoDBClient | undefined;
function clientOf(url: string): DynamoDBClient {
  client ??= new DynamoDBClient(configFor(url));
  return client;
}

async function created(place: TablePlace): Promise<TablePlace> {
  await using store = new DynamodbTokenStore({ table: place.table, client: clientOf(place.url) });
  await store.createTable();
  return place;
}
