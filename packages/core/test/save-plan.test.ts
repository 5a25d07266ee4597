import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TokenKey, TokenKeyField } from '../src/adapter/index.ts';
import { type StoredRecord, type TokenRecord, TokenStoreError } from '../src/index.ts';
import { findMatch, keysOf, planSave } from '../src/rules/index.ts';

/** The smallest store there can be: a list, on which plans are carried out. */
function save(records: StoredRecord[], token: TokenRecord, ifVersion?: number): StoredRecord {
  let keys: readonly TokenKey[] = keysOf(token);
  for (;;) {
    const candidates = records.filter((record) =>
      keys.some((key) => record[key.field] === key.value),
    );
    const plan = planSave(token, candidates, keys, { ifVersion });
    if (plan.change === undefined) {
      keys = plan.lookUp;
      continue;
    }
    const { record, replaces, absorbs } = plan.change;
    if (replaces === null) records.push(record);
    else records[records.indexOf(replaces)] = record;
    for (const absorbed of absorbs) records.splice(records.indexOf(absorbed), 1);
    return record;
  }
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof TokenStoreError) return error.code;
    throw error;
  }
  return 'none';
}

// The contract's words once more, written apart from the source, to hold the source against.
const keyFields: TokenKeyField[] = ['id', 'userName', 'accessToken', 'grantToken', 'refreshToken'];
const namesAnother = (a: string | null | undefined, b: string | null | undefined) =>
  a != null && b != null && a !== b;
const belongTogether = (a: TokenRecord, b: TokenRecord) =>
  !namesAnother(a.userName, b.userName) && !namesAnother(a.clientId, b.clientId);
const matchesOnSomeKey = (token: TokenRecord, record: TokenRecord) =>
  keyFields.some(
    (field) =>
      token[field] != null &&
      token[field] === record[field] &&
      (field === 'id' || belongTogether(token, record)),
  );

/** Half of the time. `freq: 1` would be never: it is the share of `nil`. */
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined, freq: 2 });
const tokens = fc.record(
  {
    id: maybe(fc.constantFrom('1', '2', '3')),
    userName: maybe(fc.constantFrom('ada', 'bob')),
    clientId: maybe(fc.constantFrom('c1', 'c2')),
    clientSecret: maybe(fc.constant('s')),
    refreshToken: maybe(fc.constantFrom('r1', 'r2')),
    grantToken: maybe(fc.constantFrom('g1', 'g2')),
    accessToken: maybe(fc.constantFrom('a1', 'a2')),
    expiresAt: maybe(fc.constantFrom(1000, 2000)),
    scope: maybe(fc.constantFrom('x', 'y')),
  },
  { requiredKeys: [] },
);
const present = (token: TokenRecord): TokenRecord =>
  Object.fromEntries(Object.entries(token).filter(([, value]) => value !== undefined));

describe('random saves, held against the words of the contract', () => {
  it('give every field in more than every twentieth token, and every key', () => {
    const given = fc.sample(tokens, { seed: 1, numRuns: 1000 }).map(present);
    const fields = [...keyFields, 'clientId', 'clientSecret', 'expiresAt', 'scope'] as const;
    for (const field of fields) {
      expect([field, given.filter((token) => token[field] !== undefined).length > 50]).toEqual([
        field,
        true,
      ]);
    }
  });

  it('never leaves two records that belong together and share a user or a token', () => {
    fc.assert(
      fc.property(fc.array(tokens, { maxLength: 12 }), (sequence) => {
        const records: StoredRecord[] = [];
        for (const token of sequence.map(present)) {
          const before = structuredClone(records);
          const code = codeOf(() => save(records, token));
          if (code !== 'none') expect(records).toEqual(before);
          for (const [index, a] of records.entries()) {
            for (const b of records.slice(index + 1)) {
              expect(a.id).not.toBe(b.id);
              expect(matchesOnSomeKey({ ...a, id: null }, b)).toBe(false);
            }
          }
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('C3 C5 C6 leaves one record that the token matches, with all that the token says', () => {
    fc.assert(
      fc.property(fc.array(tokens, { maxLength: 8 }), tokens, (sequence, last) => {
        const records: StoredRecord[] = [];
        for (const token of sequence.map(present)) codeOf(() => save(records, token));
        const before = structuredClone(records);
        const token = present(last);
        let saved: StoredRecord | undefined;
        if (codeOf(() => (saved = save(records, token))) !== 'none') return;
        if (saved === undefined) throw new Error('nothing was saved');
        const { id: _, ...said } = token;
        expect(saved).toMatchObject(said);
        expect(
          records.filter((record) => matchesOnSomeKey({ ...token, id: saved?.id ?? null }, record)),
        ).toEqual([saved]);
        for (const record of records) {
          if (record.id !== saved.id) expect(before).toContainEqual(record);
        }
        const former = before.find((record) => record.id === saved?.id);
        expect(saved.version).toBe((former?.version ?? 0) + 1);
        const kept = { ...former, ...said, version: saved.version };
        // C3: an expiry belongs to the access token beside it.
        const isAnother = said.accessToken != null && said.accessToken !== former?.accessToken;
        if (isAnother && said.expiresAt == null) delete kept.expiresAt;
        expect(saved).toMatchObject(kept);
        if (isAnother && said.expiresAt == null) expect(saved).not.toHaveProperty('expiresAt');
      }),
      { numRuns: 3000 },
    );
  });

  it('M1 M2 M4 finds by the first key that has a match, and guesses nothing', () => {
    fc.assert(
      fc.property(fc.array(tokens, { maxLength: 10 }), tokens, (sequence, last) => {
        const records: StoredRecord[] = [];
        for (const token of sequence.map(present)) codeOf(() => save(records, token));
        const token = present(last);
        const noClient = token.clientId == null && token.clientSecret == null;
        const order: TokenKeyField[] = noClient
          ? ['id', 'userName', 'accessToken', 'grantToken', 'refreshToken']
          : ['id', 'userName', 'grantToken', 'refreshToken', 'accessToken'];
        const perKey = order.map((field) =>
          records.filter(
            (record) =>
              token[field] != null &&
              record[field] === token[field] &&
              (field === 'id' || belongTogether(token, record)),
          ),
        );
        const first = perKey.find((matches) => matches.length > 0) ?? [];
        if (first.length > 1)
          expect(codeOf(() => findMatch(token, records))).toBe('AMBIGUOUS_TOKEN');
        else expect(findMatch(token, records)).toBe(first[0] ?? null);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('planSave', () => {
  const ada = { userName: 'ada', refreshToken: 'r1' };
  const stored = (id: string, fields: TokenRecord): StoredRecord => ({ ...fields, id, version: 1 });

  it('C4 refuses to add what has no token at all', () => {
    const records: StoredRecord[] = [];
    expect(() => save(records, { userName: 'ada', clientId: 'c1' })).toThrow(
      'token matches no record and has no refresh, grant or access token and no extra: there is nothing to add',
    );
    expect(records).toEqual([]);
  });

  it.each([{ refreshToken: 'r' }, { grantToken: 'g' }, { accessToken: 'a' }])(
    'C4 adds %j',
    (token) => {
      expect(save([], token)).toMatchObject({ ...token, version: 1 });
    },
  );

  it('plans an update at once where nothing but the token itself has to be looked up', () => {
    const record = stored('1', { ...ada, clientId: 'c1' });
    const token = { userName: 'ada', accessToken: 'a' };
    expect(planSave(token, [record], keysOf(token))).toEqual({
      change: {
        record: { ...record, accessToken: 'a', version: 2 },
        replaces: record,
        absorbs: [],
      },
    });
  });

  it('plans at once also the first user or client of a record', () => {
    const record = stored('1', { refreshToken: 'r1' });
    const token = { id: '1', userName: 'ada', clientId: 'c1' };
    const { change } = planSave(token, [record], keysOf(token));
    expect(change?.record).toMatchObject({ ...token, refreshToken: 'r1' });
  });

  it.each<TokenRecord>([
    { id: '1', userName: 'bob' },
    { id: '1', clientId: 'c2' },
  ])('looks up who may stand in the way of another name: %j', (token) => {
    const record = stored('1', { ...ada, clientId: 'c1', grantToken: 'g1' });
    const plan = planSave(token, [record], keysOf(token));
    const needed = keysOf({ ...record, ...token, id: null });
    // Each key once.
    const more = needed.filter(({ field }) => token[field] == null);
    expect(plan).toEqual({ lookUp: [...keysOf(token), ...more] });
    expect(planSave(token, [record], plan.lookUp ?? []).change?.record).toMatchObject(token);
  });

  it('looks up again what was looked up under another field only', () => {
    const record = stored('1', { userName: 'ada', refreshToken: 'same' });
    const token = { id: '1', userName: 'bob' };
    const known: TokenKey[] = [...keysOf(token), { field: 'accessToken', value: 'same' }];
    expect(planSave(token, [record], known).lookUp).toBeDefined();
    const others: TokenKey[] = [...keysOf(token), { field: 'refreshToken', value: 'other' }];
    expect(planSave(token, [record], others).lookUp).toBeDefined();
  });

  it('C7 is not about records that share nothing with what is renamed', () => {
    const records = [
      stored('1', { userName: 'ada', refreshToken: 'r1' }),
      stored('2', { userName: 'bob', refreshToken: 'r2', accessToken: 'a1' }),
      stored('3', { userName: 'cyd', refreshToken: 'r1' }),
    ];
    expect(save(records, { id: '1', userName: 'dan' })).toMatchObject({ userName: 'dan' });
  });

  it('C7 refuses another name where one key of several leads to a record of it', () => {
    const records = [
      stored('1', { userName: 'ada', refreshToken: 'r1', accessToken: 'a1' }),
      stored('2', { userName: 'bob', refreshToken: 'r1' }),
      stored('3', { userName: 'cyd', accessToken: 'a1' }),
    ];
    expect(() => save(records, { id: '1', userName: 'bob' })).toThrow(
      'Another record already stands for this user of this client. Save without the id, name the client, or delete the other record first; nothing was changed.',
    );
  });

  it('C7 is about the user name: an id that no record has goes with records of no user', () => {
    const nobody: StoredRecord = { id: '2', version: 1, refreshToken: 'r' };
    const byToken = { id: '1', refreshToken: 'r' };
    const plan = planSave(byToken, [nobody], keysOf(byToken));
    expect(plan.change?.replaces).toBe(nobody);
    const byName = { id: '1', userName: 'ada', refreshToken: 's' };
    const added = planSave(byName, [nobody], keysOf(byName));
    expect(added.change).toMatchObject({ replaces: null, record: { id: '1', userName: 'ada' } });
  });

  it('C7 refuses a rename that any one key of another record stands against', () => {
    const ada: StoredRecord = {
      id: '1',
      version: 1,
      userName: 'ada',
      clientId: 'a',
      refreshToken: 'r',
      grantToken: 'g',
    };
    const other: StoredRecord = { id: '2', version: 1, clientId: 'b', refreshToken: 'r' };
    expect(codeOf(() => save([ada, other], { id: '1', clientId: 'b' }))).toBe('TOKEN_CONFLICT');
  });

  it('C7 lets a record keep its own name, and has nothing against a record of another user', () => {
    const records = [
      stored('1', { userName: 'ada', refreshToken: 'r1' }),
      stored('2', { userName: 'bob', refreshToken: 'r2' }),
    ];
    const saved = save(records, { id: '1', userName: 'ada', accessToken: 'a' });
    expect(saved).toMatchObject({ userName: 'ada', accessToken: 'a' });
    expect(save(records, { id: '2', refreshToken: 'r3' })).toMatchObject({ refreshToken: 'r3' });
    const token = { id: '1', userName: 'ada', refreshToken: 'r3' };
    expect(save(records, token)).toMatchObject({ refreshToken: 'r3' });
  });

  it('C5 takes over an access token with its expiry', () => {
    const records: StoredRecord[] = [];
    save(records, { refreshToken: 'r2', accessToken: 'a', expiresAt: 1000, scope: 'read' });
    save(records, ada);
    const saved = save(records, { userName: 'ada', refreshToken: 'r2' });
    expect(saved).toMatchObject({ accessToken: 'a', expiresAt: 1000, scope: 'read' });
  });

  it('C5 takes over everything but the expiry from a record with another access token', () => {
    const records: StoredRecord[] = [];
    save(records, { refreshToken: 'r2', accessToken: 'old', expiresAt: 1000, scope: 'read' });
    save(records, { ...ada, accessToken: 'new' });
    const saved = save(records, { userName: 'ada', refreshToken: 'r2' });
    expect(saved).toMatchObject({ accessToken: 'new', scope: 'read' });
  });

  it('V2 says what there is instead, and what to do', () => {
    const records: StoredRecord[] = [];
    expect(() => save(records, ada, 3)).toThrow(
      'ifVersion is 3, but there is no such record: it was deleted, or never saved. Nothing was changed.',
    );
    save(records, ada);
    expect(() => save(records, ada, 3)).toThrow(
      'ifVersion is 3, but the record has version 1: read it again, and apply the change to that. Nothing was changed.',
    );
  });

  it('C5 absorbs what was once saved without a user, and keeps what only that had', () => {
    const records: StoredRecord[] = [];
    save(records, { refreshToken: 'r2', apiDomain: 'https://eu' });
    const kept = save(records, ada);
    const saved = save(records, { userName: 'ada', refreshToken: 'r2' });
    expect(saved).toEqual({ ...kept, refreshToken: 'r2', apiDomain: 'https://eu', version: 2 });
    expect(records).toEqual([saved]);
  });

  it('C5 takes over no expiry without its access token', () => {
    const expiring: StoredRecord = { id: '2', version: 1, refreshToken: 'r2', expiresAt: 2e12 };
    const current: StoredRecord = { id: '1', version: 1, userName: 'ada', grantToken: 'g' };
    const other: StoredRecord = { id: '3', version: 1, grantToken: 'g3', accessToken: 'a' };
    const token = { userName: 'ada', refreshToken: 'r2', grantToken: 'g3' };
    const plan = planSave(token, [current, expiring, other], keysOf(token));
    expect(plan.change?.record).toMatchObject({ accessToken: 'a', refreshToken: 'r2' });
    expect(plan.change?.record).not.toHaveProperty('expiresAt');
  });

  it('C5 does not take over the expiry of another access token', () => {
    const records: StoredRecord[] = [];
    save(records, { refreshToken: 'r2', accessToken: 'old', expiresAt: 1000 });
    save(records, { ...ada, accessToken: 'new' });
    expect(save(records, { userName: 'ada', refreshToken: 'r2' })).not.toHaveProperty('expiresAt');
  });

  it('refuses to absorb the record of another client, and says what to name', () => {
    const records: StoredRecord[] = [];
    save(records, { ...ada, clientId: 'c2' });
    save(records, { refreshToken: 'r2', clientId: 'c1' });
    const before = structuredClone(records);
    expect(() => save(records, { userName: 'ada', refreshToken: 'r2' })).toThrow(/clientId/);
    expect(records).toEqual(before);
  });

  it.each([
    ['an id that no record has', 'new'],
    ['the id of another record', 'bobs'],
  ])('C7 refuses under %s a user name that a record has', (_case, id) => {
    const records: StoredRecord[] = [];
    save(records, ada);
    save(records, { id: 'bobs', userName: 'bob', refreshToken: 'r2' });
    const before = structuredClone(records);
    expect(codeOf(() => save(records, { ...ada, id }))).toBe('TOKEN_CONFLICT');
    expect(records).toEqual(before);
  });

  it('C7 refuses to make two records of one user and client by renaming the client of one', () => {
    const records: StoredRecord[] = [];
    save(records, { ...ada, clientId: 'c1' });
    const second = save(records, { ...ada, clientId: 'c2' });
    expect(codeOf(() => save(records, { id: second.id, clientId: 'c1' }))).toBe('TOKEN_CONFLICT');
    expect(save(records, { id: second.id, clientId: 'c3' })).toMatchObject({
      clientId: 'c3',
      userName: 'ada',
    });
  });

  it('C8 gives ids of 128 random bits', () => {
    const ids = Array.from({ length: 1000 }, () => save([], ada).id);
    expect(new Set(ids).size).toBe(1000);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });

  it('V2 tells the version that the record has, and 0 where there is none', () => {
    const records: StoredRecord[] = [];
    expect(() => save(records, ada, 1)).toThrow(
      expect.objectContaining({ code: 'VERSION_CONFLICT', currentVersion: 0 }),
    );
    save(records, ada, 0);
    expect(() => save(records, ada, 0)).toThrow(
      expect.objectContaining({ code: 'VERSION_CONFLICT', currentVersion: 1 }),
    );
    expect(save(records, ada, 1).version).toBe(2);
  });
});
