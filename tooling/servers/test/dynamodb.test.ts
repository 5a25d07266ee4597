import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { describeServer, startDynamodb } from '../src/index.ts';

test('DynamoDB Local keeps an item through SIGKILL and comes back on the same port', async () => {
  await using server = await startDynamodb({ own: true });
  console.log(describeServer(server));
  const client = new DynamoDBClient({
    endpoint: server.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  const TableName = 'kept';
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    }),
  );
  const Item = { pk: { S: 'seven' } };
  await client.send(new PutItemCommand({ TableName, Item }));
  await server.kill();
  const get = () => client.send(new GetItemCommand({ TableName, Key: Item }));
  await expect(get()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await server.restart();
  expect((await get()).Item).toEqual(Item);
  client.destroy();
});
