import { OAuthToken } from '@tokenkeep/core';
import type { MongoServer } from '@tokenkeep/test-servers';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MongoTokenStore } from '../src/index.ts';
import { sharedMongo } from './definition.ts';

let server: MongoServer;
const database = `tokenkeep_listing_${process.pid}`;

beforeAll(async () => {
  server = await sharedMongo();
}, 180_000);
afterAll(async () => {
  await using client = new MongoClient(server.url);
  await client.db(database).dropDatabase();
});

/** Two records each, and together more than a page. */
const PAIRS = 130;
const user = (n: number) => ({ userSignature: { name: `u${n}` } });
const numbers = Array.from({ length: PAIRS }, (_, n) => n);

it('getTokens beside saves that absorb lists who stays once, and nobody who was gone before', async () => {
  await using saving = new MongoTokenStore({ url: server.url, database });
  await using listing = new MongoTokenStore({ url: server.url, database });
  const savePair = async (n: number) => {
    const stays = new OAuthToken({ id: `stays${n}`, ...user(n), accessToken: `a${n}` });
    const goes = new OAuthToken({ id: `goes${n}`, refreshToken: `r${n}` });
    // Who is absorbed stands before, or after, who absorbs it.
    for (const token of n % 2 === 0 ? [stays, goes] : [goes, stays]) await saving.saveToken(token);
  };
  await Promise.all(numbers.map(savePair));
  const ids = async () => (await listing.getTokens()).map(({ id = '' }) => id);
  const staying = (await ids()).filter((id) => id.startsWith('stays'));
  expect(staying).toHaveLength(PAIRS);
  let absorbed = 0;
  const absorbAll = async () => {
    for (const n of numbers) {
      await saving.saveToken(new OAuthToken({ ...user(n), refreshToken: `r${n}` }));
      absorbed += 1;
    }
  };
  let lists = 0;
  const listAll = async () => {
    for (let wasAbsorbed = 0; wasAbsorbed < PAIRS; lists += 1) {
      wasAbsorbed = absorbed;
      const listed = await ids();
      expect(listed.filter((id) => id.startsWith('stays'))).toEqual(staying);
      const left = listed.filter((id) => id.startsWith('goes'));
      expect(new Set(left).size).toBe(left.length);
      const gone = numbers.slice(0, wasAbsorbed).map((n) => `goes${n}`);
      expect(left.filter((id) => gone.includes(id))).toEqual([]);
    }
  };
  await Promise.all([absorbAll(), listAll()]);
  // Beside, and not only before and after.
  expect(lists).toBeGreaterThan(3);
}, 120_000);
