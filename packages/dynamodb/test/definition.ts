import { DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { DynamodbTokenStore } from '@tokenkeep/dynamodb';
import { type DynamodbServer, describeServer, startDynamodb } from '@tokenkeep/test-servers';
import { configFor } from './config-for.ts';

let server: Promise<DynamodbServer> | undefined;

const definition: TokenStoreDefinition = defineTokenStore({
  name: 'DynamodbTokenStore on DynamoDB Local',
  location: async () => {
    server ??= startDynamodb().then((found) => {
      console.log(describeServer(found));
      return found;
    });
    return created({ url: (await server).url, table: `t${crypto.randomUUID()}` });
  },
  open: (place) => storeAt(place),
  destroy: async ({ url, table }) => {
    const client = new DynamoDBClient(configFor(url));
    for (const name of [table, `${table}2`]) {
      const deleted = client.send(new DeleteTableCommand({ TableName: name }));
      await deleted.catch((error) => {
        if (error.name !== 'ResourceNotFoundException') throw error;
      });
    }
    client.destroy();
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

async function created(place: TablePlace): Promise<TablePlace> {
  await using store = storeAt(place);
  await store.createTable();
  return place;
}
