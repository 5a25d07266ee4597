import { OAuthToken } from '@tokenkeep/core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { DynamodbClientLike, DynamodbTokenStore } from '../src/index.ts';
import { save, Tables, user } from './tables.ts';

// How many items each call reads and writes: what the README's units are made of. Those that DynamoDB
// Local reports are not AWS's, which counts a write in a transaction double.

const tables = Tables.forThisFile();
let close: () => void;
let items = { read: 0, inTransactions: 0, alone: 0 };
/** Of the same table, each with a memory of its own. */
let one: DynamodbTokenStore;
let two: DynamodbTokenStore;

beforeAll(async () => {
  const client = tables.client();
  close = () => client.destroy();
  const counting: DynamodbClientLike = {
    async send(command, options) {
      const { RequestItems = {}, TransactItems = [], Key, UpdateExpression } = command.input;
      for (const { Keys = [] } of Object.values<{ Keys?: unknown[] }>(RequestItems)) {
        items.read += Keys.length;
      }
      items.inTransactions += TransactItems.length;
      if (UpdateExpression !== undefined) items.alone += 1;
      else if (Key !== undefined) items.read += 1;
      return client.send(command, options);
    },
  };
  const table = await tables.create();
  [one, two] = [tables.open(table, { client: counting }), tables.open(table, { client: counting })];
  await Promise.all([one.ready(), two.ready()]);
});
afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  close();
});
beforeEach(() => {
  items = { read: 0, inTransactions: 0, alone: 0 };
});

const ada = user('ada');

it('a new user with two tokens: three claims twice; a record, its claims and its place; a number', async () => {
  await save(one, { ...ada, refreshToken: 'r1', accessToken: 'a1' });
  expect(items).toEqual({ read: 6, inTransactions: 5, alone: 1 });
});

it('the next access token, by the same process: a record, the claim that comes and the one that goes', async () => {
  await save(one, { ...ada, accessToken: 'a2' });
  expect(items).toEqual({ read: 0, inTransactions: 3, alone: 0 });
});

it('a find by another process: a claim and a record, and then the record', async () => {
  await two.findToken(new OAuthToken(ada));
  expect(items).toEqual({ read: 2, inTransactions: 0, alone: 0 });
  await two.findToken(new OAuthToken(ada));
  expect(items).toEqual({ read: 3, inTransactions: 0, alone: 0 });
});

it('a deletion: the record; that, its claims and its place; the highest version', async () => {
  const [token] = await one.getTokens();
  items = { read: 0, inTransactions: 0, alone: 0 };
  await one.deleteToken(token?.id ?? '');
  expect(items).toEqual({ read: 1, inTransactions: 5, alone: 1 });
});
