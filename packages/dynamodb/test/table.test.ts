import { CreateTableCommand, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { OAuthToken } from '@tokenkeep/core';
import { describe, expect, it } from 'vitest';
import { failure, newName, save, Tables, user } from './tables.ts';

const tables = Tables.forThisFile();
const ada = user('ada');

describe('the table', () => {
  it('that is not there is told of, and what to do', async () => {
    await using store = tables.open(newName('missing'));
    expect(await failure(save(store, { ...ada, refreshToken: 'r' }))).toMatchObject({
      code: 'DATABASE_MISSING',
      operation: 'saveToken',
      driverCode: 'ResourceNotFoundException',
      retryable: false,
      message: expect.stringContaining('createTable()'),
    });
    await store.createTable();
    expect(await save(store, { ...ada, refreshToken: 'r' })).toMatchObject({ version: 1 });
  });

  it('is created once by any number of processes, and once more does nothing to it', async () => {
    const table = newName('at-once');
    const stores = Array.from({ length: 4 }, () => tables.open(table));
    await Promise.all(stores.map((store) => store.createTable()));
    const [store] = stores;
    if (store === undefined) throw new Error('no store');
    await save(store, { ...ada, refreshToken: 'r' });
    await store.createTable();
    expect(await store.getTokens()).toHaveLength(1);
    for (const each of stores) await each.close();
  });

  it('of something else is refused, and left as it is', async () => {
    const client = tables.client();
    const table = newName('others');
    await client.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      }),
    );
    await using store = tables.open(table);
    expect(await failure(store.createTable())).toMatchObject({
      code: 'SCHEMA_UNKNOWN',
      operation: 'createTable',
    });
    expect(await failure(store.ready())).toMatchObject({ code: 'SCHEMA_UNKNOWN' });
    client.destroy();
  });

  it('of a later version is refused', async () => {
    const table = await tables.create();
    const client = tables.client();
    const Item = { pk: { S: 'store' }, sk: { N: '0' }, schema: { N: '2' } };
    await client.send(new PutItemCommand({ TableName: table, Item }));
    await using store = tables.open(table);
    expect(await failure(store.getTokens())).toMatchObject({ code: 'SCHEMA_UNKNOWN' });
    client.destroy();
  });

  it('has nothing but the order and the versions left when every record is deleted', async () => {
    const table = await tables.create();
    await using store = tables.open(table);
    // One key of two records, one record in parts, one that absorbs another.
    await save(store, { ...ada, clientId: '1', refreshToken: 'r' });
    await save(store, { ...ada, clientId: '2', refreshToken: 'r' });
    const { id = '' } = await save(store, { ...user('long'), ...longFields(), refreshToken: 'l' });
    await save(store, { refreshToken: 'x', grantToken: 'g' });
    await save(store, { ...user('bob'), refreshToken: 'x' });
    await store.deleteToken(id);
    await store.deleteTokens();
    const client = tables.client();
    const { Items = [] } = await client.send(new ScanCommand({ TableName: table }));
    expect(Items.map(({ pk }) => pk?.S).sort()).toEqual(['counter', 'store']);
    client.destroy();
  });
});

describe('a record that is longer than an item', () => {
  it('of the longest fields that there are comes back as it was, and shrinks again', async () => {
    const table = await tables.create();
    await using store = tables.open(table);
    await using other = tables.open(table);
    const token = { ...ada, ...longFields(), refreshToken: 'r' };
    const { id = '' } = await save(store, token);
    const found = await other.findTokenById(id);
    expect(found?.toRecord()).toMatchObject(new OAuthToken(token).toRecord());
    expect((await other.getTokens()).length).toBe(1);
    const clear = ['clientSecret', 'redirectUrl', 'grantToken', 'apiDomain', 'scope'] as const;
    await save(store, { ...ada, tokenType: 'Bearer' }, { clear: [...clear, 'issuer', 'resource'] });
    const shrunk = await other.findToken(new OAuthToken(ada));
    expect(shrunk).toMatchObject({ version: 2, refreshToken: 'r', tokenType: 'Bearer' });
    const client = tables.client();
    const { Items = [] } = await client.send(new ScanCommand({ TableName: table }));
    expect(Items.filter(({ bytes }) => bytes !== undefined)).toEqual([]);
    client.destroy();
  });

  it('is read whole while it is saved', async () => {
    const table = await tables.create();
    await using store = tables.open(table);
    await using other = tables.open(table);
    const long = (letter: string) => {
      const { issuer, resource, ...fields } = longFields(letter);
      return { ...ada, ...fields, refreshToken: 'r' };
    };
    await save(store, long('a'));
    let saving = true;
    const saves = (async () => {
      for (let n = 0; n < 20; n += 1) await save(store, long(n % 2 === 0 ? 'b' : 'a'));
      saving = false;
    })();
    let reads = 0;
    for (; saving; reads += 1) {
      const found = await other.findToken(new OAuthToken(ada));
      expect(found?.scope?.at(-1)).toBe(found?.redirectUrl?.at(-1));
      expect(found?.scope).toHaveLength(65_536);
    }
    await saves;
    expect(reads).toBeGreaterThan(1);
  });
});

/** As long as fields may be; most of it is six times as long in JSON. */
function longFields(letter = '') {
  const long = Array.from({ length: 65_536 - letter.length }, (_, index) =>
    String.fromCharCode((index * index * 7 + index) % 31),
  );
  const text = long.join('') + letter;
  return {
    clientSecret: text,
    redirectUrl: text,
    grantToken: text,
    apiDomain: text,
    scope: text,
    issuer: text,
    resource: text,
  };
}
