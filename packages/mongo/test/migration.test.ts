import { readFileSync } from 'node:fs';
import { OAuthToken, type TokenRecord } from '@tokenkeep/core';
import type { MongoServer } from '@tokenkeep/test-servers';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MongoTokenStore } from '../src/index.ts';
import { sharedMongo } from './definition.ts';

/**
 * What the version before this one wrote: a user of two clients, two users with one access token,
 * and a record that absorbed another, whose process was killed before that was removed.
 */
const FORMER: { _id: string }[] = JSON.parse(
  readFileSync(new URL('former/schema-1.json', import.meta.url), 'utf8'),
);

const RECORDS: TokenRecord[] = [
  {
    version: 2,
    userName: 'ada',
    clientId: 'a',
    clientSecret: 's',
    refreshToken: 'r-ada',
    accessToken: 'a-ada',
    expiresAt: 1_900_000_000_000,
    redirectUrl: 'https://app.example/callback',
    apiDomain: 'https://www.zohoapis.com',
    scope: 'one two',
    tokenType: 'Bearer',
    extra: { instance_url: 'https://one', n: [1, null] },
  },
  { version: 1, userName: 'ada', clientId: 'b', refreshToken: 'r-ada-b', accessToken: 'shared' },
  { version: 1, userName: 'bob', refreshToken: 'r-bob', accessToken: 'shared' },
  { version: 1, userName: 'eve', id: 'my own', refreshToken: 'r-own' },
  { version: 2, userName: 'cy', accessToken: 'a-cy', refreshToken: 'r-cy', grantToken: 'g-cy' },
];

let server: MongoServer;
let client: MongoClient;
let databases = 0;
beforeAll(async () => {
  server = await sharedMongo();
  client = new MongoClient(server.url);
}, 180_000);
afterAll(async () => {
  for (let n = 1; n <= databases; n += 1) await client.db(nameOf(n)).dropDatabase();
  await client.close();
});
const nameOf = (n: number) => `tokenkeep_former_${process.pid}_${n}`;

const documentsIn = (database: string) =>
  client.db(database).collection<{ _id: string; kind?: string; claims?: string[] }>('oauthtoken');

async function formerDatabase(): Promise<string> {
  databases += 1;
  const documents = documentsIn(nameOf(databases));
  await documents.createIndexes([
    { key: { claims: 1 }, name: 'tokenkeep_claims', unique: true },
    { key: { keys: 1 }, name: 'tokenkeep_keys' },
  ]);
  await documents.insertMany(FORMER);
  return nameOf(databases);
}

async function recordsIn(store: MongoTokenStore): Promise<TokenRecord[]> {
  return (await store.getTokens()).map((token) => token.toRecord());
}

describe('a collection of the former version', () => {
  it('is opened: all is found, saved, deleted and listed', async () => {
    const database = await formerDatabase();
    await using store = new MongoTokenStore({ client, database });
    const records = await recordsIn(store);
    expect(records).toMatchObject(RECORDS);
    for (const record of records) {
      const { userName, clientId, refreshToken } = record;
      const named = new OAuthToken({ userSignature: { name: userName }, clientId });
      expect((await store.findToken(named))?.toRecord()).toEqual(record);
      const byToken = await store.findToken(new OAuthToken({ refreshToken }));
      expect(byToken?.toRecord()).toEqual(record);
      await store.saveToken(named.with({ scope: 'new' }), { ifVersion: record.version ?? 0 });
    }
    // A key that two have is still not free, and one that is given up is.
    const ambiguous = store.saveToken(new OAuthToken({ accessToken: 'shared', scope: 's' }));
    await expect(ambiguous).rejects.toMatchObject({ code: 'AMBIGUOUS_TOKEN' });
    for (const { id = '' } of await store.getTokens()) await store.deleteToken(id);
    expect(await documentsIn(database).distinct('_id')).toEqual(['tokenkeep']);
  });

  it('is migrated by several at once, also after one was killed', async () => {
    const database = await formerDatabase();
    // Killed after its first document.
    await documentsIn(database).updateOne({ _id: 'tokenkeep' }, [
      { $set: { schema: 2, migrating: true, added: '$lastOrder', deletedVersion: 0 } },
      { $unset: ['lastOrder', 'merges'] },
    ]);
    const stores = Array.from({ length: 4 }, () => new MongoTokenStore({ client, database }));
    const lists = await Promise.all(stores.map(recordsIn));
    for (const list of lists) expect(list).toMatchObject(RECORDS);
    const left = await documentsIn(database).find().toArray();
    expect(left.map(({ kind }) => kind).sort()).toEqual(
      [...RECORDS.map(() => 'token'), 'store'].sort(),
    );
    const claims = left.flatMap((document) => document.claims ?? []);
    expect(new Set(claims).size).toBe(claims.length);
    for (const store of stores) await store.close();
  });

  it('is refused by the former version from then on, and it adds nothing if it was open', async () => {
    const database = await formerDatabase();
    await using store = new MongoTokenStore({ client, database });
    await store.ready();
    const documents = documentsIn(database);
    // What it looks at when it opens, and what it counts with when it adds a record.
    expect(await documents.countDocuments({ _id: 'tokenkeep', schema: 1 })).toBe(0);
    const counting = documents.updateOne({ _id: 'tokenkeep' }, { $inc: { lastOrder: 1 } });
    await expect(counting).rejects.toMatchObject({ code: 14 });
    expect(await documents.countDocuments({ kind: 'record' })).toBe(0);
  });
});
