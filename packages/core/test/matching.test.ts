import { describe, expect, it } from 'vitest';
import {
  InvalidTokenError,
  OAuthToken,
  type StoredRecord,
  type TokenRecord,
} from '../src/index.ts';
import { agrees, findMatch, keysOf } from '../src/rules/index.ts';
import { whatToName } from '../src/rules/matching.ts';

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
    ['user name', 'userName'],
    ['access token', 'accessToken'],
    ['grant token', 'grantToken'],
    ['refresh token', 'refreshToken'],
  ])('M4 says of several with one %s what to name', (name, field) => {
    const candidates = [
      stored('1', { clientId: 'c1', [field]: 'same' }),
      stored('2', { clientId: 'c2', [field]: 'same' }),
    ];
    expect(() => findMatch({ [field]: 'same' }, candidates)).toThrow(
      `Several records have the ${name} of this token. Name its client (clientId) or its id too, so that one record matches; nothing was changed.`,
    );
  });

  it('M4 names an operation, as every error of a store does', () => {
    const candidates = ['c1', 'c2'].map((clientId) =>
      stored(clientId, { clientId, userName: 'u' }),
    );
    expect(() => findMatch({ userName: 'u' }, candidates)).toThrow(
      expect.objectContaining({ code: 'AMBIGUOUS_TOKEN', operation: 'findToken' }),
    );
  });

  it('M2 does not cross users where an OAuthToken is given in place of a record', () => {
    const token = new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: 'r' });
    expect(findMatch(token, [stored('1', { userName: 'eve', refreshToken: 'r' })])).toBeNull();
    expect(keysOf(token)).toEqual(keysOf({ userName: 'ada', refreshToken: 'r' }));
    expect(agrees(token, { userName: 'eve' })).toBe(false);
  });

  it('M2 refuses what is neither a token nor a plain record', () => {
    class Row {
      refreshToken = 'r';
    }
    expect(() => keysOf(new Row())).toThrow(InvalidTokenError);
  });

  it.each(['userName', 'clientId', 'issuer', 'resource'])('M2 does not cross %s', (field) => {
    const record = stored('1', { refreshToken: 'r', [field]: 'one' });
    expect(findMatch({ refreshToken: 'r', [field]: 'other' }, [record])).toBeNull();
    expect(findMatch({ refreshToken: 'r', [field]: 'one' }, [record])).toBe(record);
    expect(findMatch({ refreshToken: 'r' }, [record])).toBe(record);
  });
});

it.each<[TokenRecord, TokenRecord, TokenRecord, string]>([
  [{}, { clientId: 'c' }, { clientId: 'd' }, 'its client (clientId) or its id'],
  [{}, { clientId: 'c' }, {}, 'its client (clientId) or its id'],
  [
    {},
    { userName: 'ada', issuer: 'i' },
    { userName: 'eve', issuer: 'j' },
    'its user (userSignature) or its issuer or its id',
  ],
  [{ userName: 'ada' }, { resource: 'r' }, { userName: 'ada' }, 'its resource or its id'],
  [{ clientId: 'c' }, { clientId: 'c' }, {}, 'its id'],
])('whatToName(%j, %j, %j) is %s', (token, one, other, expected) => {
  expect(whatToName(token, one, other)).toBe(expected);
});
