import { randomBytes } from 'node:crypto';
import { OAuthToken, type StoredRecord, TokenConflictError } from '@tokenkeep/core';
import { matchesOn } from '@tokenkeep/core/rules';
import { type BrokenStore, broken } from './broken-store.ts';
import { RIGHT_RULES } from './plain-token-store.ts';

const { added, merged } = RIGHT_RULES;

/** New records under ids of another kind. */
const withIds = (idOf: (records: readonly StoredRecord[]) => string) => ({
  rules: {
    added: (...[token, records]: Parameters<typeof added>): StoredRecord => ({
      ...added(token, records),
      id: token.id ?? idOf(records),
    }),
  },
});

const numbers = (records: readonly StoredRecord[]): number[] =>
  records.map(({ id }) => Number(id)).filter((id) => Number.isSafeInteger(id));

let nextId = 1;

export const savingFaults: readonly BrokenStore[] = [
  broken('C7', 'takes a record for another that has its own name', {
    methods: (store) => ({
      saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
        const { id, userSignature, clientId } = token;
        if (id !== undefined && userSignature !== undefined) {
          const named = new OAuthToken({ userSignature, clientId });
          if ((await store.findToken(named)) !== null) {
            throw new TokenConflictError('TOKEN_CONFLICT', 'Another record has this user name.');
          }
        }
        return store.saveToken(token, options);
      },
    }),
  }),
  broken('C7', 'updates the record of a user whom an unknown id would take the name of', {
    methods: (store) => ({
      saveToken: async (...[token, options]: Parameters<typeof store.saveToken>) => {
        const { id, userSignature, clientId } = OAuthToken.from(token);
        const isUnknown = id !== undefined && (await store.findTokenById(id)) === null;
        if (!isUnknown || userSignature === undefined) return store.saveToken(token, options);
        const named = new OAuthToken({ userSignature, clientId });
        const isTaken = await store.findToken(named).then(
          (found) => found !== null,
          () => false,
        );
        return store.saveToken(isTaken ? token.with({ id: null }) : token, options);
      },
    }),
  }),
  broken('C3', 'replaces fields that an update lacks with nothing', {
    rules: {
      merged: (record, token) => ({ ...token, id: record.id, version: record.version + 1 }),
    },
  }),
  broken('C3', 'gives a record another id when it is updated', {
    rules: {
      merged: (record, token) => ({
        ...merged(record, token),
        id: randomBytes(16).toString('hex'),
      }),
    },
  }),
  broken('C3', 'ignores the second save of a record', { rules: { merged: (record) => record } }),
  broken('C3', 'keeps the old refresh token when a new one is saved', {
    rules: {
      merged: (record, token) => ({
        ...merged(record, token),
        refreshToken: record.refreshToken ?? token.refreshToken,
      }),
    },
  }),
  broken('C3', 'updates the access token and forgets its expiry', {
    rules: {
      merged: (record, token) => ({ ...merged(record, token), expiresAt: record.expiresAt }),
    },
  }),
  broken('C4', 'adds a record with no token in it', { rules: { hasNothingToAdd: () => false } }),
  broken('C4', 'refuses to add a record that has only a grant token', {
    rules: {
      hasNothingToAdd: ({ refreshToken, accessToken }) =>
        refreshToken == null && accessToken == null,
    },
  }),
  broken('C4', 'adds a record under an id of its own, though the token names one', {
    rules: {
      added: (token, records) => {
        const { id: _id, ...rest } = token;
        return added(rest, records);
      },
    },
  }),
  broken('C5', 'leaves the other records that match', { rules: { isAbsorbed: () => false } }),
  broken('C5', 'absorbs what the user has with another client', {
    rules: {
      isAbsorbed: (token, other, keys) =>
        RIGHT_RULES.isAbsorbed(token, other, keys) ||
        (token.userName != null && token.userName === other.userName),
    },
  }),
  broken('C5', 'absorbs by the refresh token only', {
    rules: {
      isAbsorbed: (token, other) =>
        token.refreshToken != null &&
        matchesOn({ field: 'refreshToken', value: token.refreshToken }, token, other),
    },
  }),
  broken('M2', 'absorbs a record of another user that has the same token', {
    rules: {
      isAbsorbed: (token, other) =>
        token.refreshToken != null && token.refreshToken === other.refreshToken,
    },
  }),
  broken('C6', 'gives back what it was given, without the id', {
    methods: (store) => ({
      saveToken: async (token: OAuthToken) => {
        await store.saveToken(token);
        return token;
      },
    }),
  }),
  broken('C6', 'gives back the fields of the save only', {
    methods: (store) => ({
      saveToken: async (token: OAuthToken) => {
        const { id, version } = await store.saveToken(token);
        return token.with({ id, version });
      },
    }),
  }),
  broken('C7', 'saves a user name that another record has', { rules: { isTaken: () => false } }),
  broken('C8', 'gives an id again after its record was deleted', {
    ...withIds((records) => String(records.length + 1).padStart(32, '0')),
  }),
  broken('C8', 'takes max(id) + 1, of text', {
    ...withIds((records) => {
      const last = records
        .map(({ id }) => id)
        .toSorted()
        .at(-1);
      return String(Number(last ?? 0) + 1);
    }),
  }),
  broken('C8', 'takes max(id) + 1, of numbers', {
    ...withIds((records) => String(Math.max(0, ...numbers(records)) + 1)),
  }),
  broken('C8', 'counts its ids', { ...withIds(() => String(nextId++).padStart(32, '0')) }),
  broken('C8', 'makes ids of 32 random bits', { ...withIds(() => randomBytes(4).toString('hex')) }),
  broken('C8', 'makes ids of the time', {
    ...withIds(() => `${Date.now().toString(16)}${process.hrtime.bigint().toString(16)}`),
  }),
];
