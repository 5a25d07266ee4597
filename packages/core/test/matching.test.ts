import { describe, expect, it } from 'vitest';
import { findMatch, keysOf, type StoredRecord, type TokenRecord } from '../src/index.ts';
import { whatToName } from '../src/matching.ts';

const every: TokenRecord = {
  id: '1',
  userName: 'ada',
  accessToken: 'a',
  grantToken: 'g',
  refreshToken: 'r',
};
const fieldsOf = (token: TokenRecord) => keysOf(token).map(({ field }) => field);
const stored = (id: string, fields: TokenRecord): StoredRecord => ({ ...fields, id, version: 1 });

describe('keysOf', () => {
  it('M1 tries the access token before the others if the token names no client at all', () => {
    expect(keysOf(every)).toEqual([
      { field: 'id', value: '1' },
      { field: 'userName', value: 'ada' },
      { field: 'accessToken', value: 'a' },
      { field: 'grantToken', value: 'g' },
      { field: 'refreshToken', value: 'r' },
    ]);
  });

  it.each([{ clientId: 'c' }, { clientSecret: 's' }, { clientId: 'c', clientSecret: 's' }])(
    'M1 tries the access token last for %j',
    (client) => {
      const order = ['id', 'userName', 'grantToken', 'refreshToken', 'accessToken'];
      expect(fieldsOf({ ...every, ...client })).toEqual(order);
    },
  );

  it('M3 gives none for a token that names nobody', () => {
    expect(keysOf({ clientId: 'c', scope: 'read', userName: null })).toEqual([]);
  });
});

describe('findMatch', () => {
  it('takes a record that comes twice for one', () => {
    const record = stored('1', { userName: 'ada' });
    expect(findMatch({ userName: 'ada' }, [record, { ...record }])).toEqual(record);
  });

  it.each([
    ['user name', 'userName', 'its client (clientId) or its id'],
    ['access token', 'accessToken', 'its client (clientId) or its user (userSignature) or its id'],
    ['grant token', 'grantToken', 'its client (clientId) or its user (userSignature) or its id'],
    [
      'refresh token',
      'refreshToken',
      'its client (clientId) or its user (userSignature) or its id',
    ],
  ])('M4 says of several with one %s what to name', (name, field, toName) => {
    const candidates = [
      stored('1', { clientId: 'c1', [field]: 'same' }),
      stored('2', { clientId: 'c2', [field]: 'same' }),
    ];
    expect(() => findMatch({ [field]: 'same' }, candidates)).toThrow(
      `Several records have the ${name} of this token. Name ${toName} too, so that one record is meant; nothing was changed.`,
    );
  });
});

it.each<[TokenRecord, string]>([
  [{}, 'its client (clientId) or its user (userSignature) or its id'],
  [{ clientId: 'c' }, 'its user (userSignature) or its id'],
  [{ userName: 'ada' }, 'its client (clientId) or its id'],
  [{ userName: 'ada', clientId: 'c' }, 'its id'],
])('whatToName(%j) is %s', (token, expected) => {
  expect(whatToName(token)).toBe(expected);
});
