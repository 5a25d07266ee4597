import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import type { Call, MadeCall } from '../calls.ts';
import type { Check } from '../check.ts';
import {
  expect,
  expectOne,
  expectSame,
  idOf,
  idsIn,
  type PlainRecord,
  recordOf,
  recordsIn,
  versionOf,
} from '../expectations.ts';
import { laneUser, savedInLane, tagIn } from '../lanes.ts';
import { PromiseBroken } from '../promise-broken.ts';
import { requireShared } from '../require-shared.ts';
import { show } from '../show.ts';
import { runTogether } from '../store-process.ts';

const HINT =
  'A lock or a queue within one process does not hold the others: use a transaction, a unique index, or a lock that the system keeps.';

export const sharedChecks: readonly Check[] = [
  {
    clause: 'S1',
    title:
      'A1 across processes: concurrent saves of one user, or one refresh token, leave one record',
    why: 'A web server runs in several processes, and all of them refresh.',
    hint: HINT,
    async run(context) {
      const processes = await context.processes(4);
      const store = await context.open();
      for (let round = 0; round < context.rounds(12, 4); round += 1) {
        const shared: TokenInit =
          round % 2 === 0
            ? { userSignature: { name: context.value('user') } }
            : { refreshToken: context.secret('refresh') };
        const programs = processes.map(() =>
          Array.from({ length: 3 }, () =>
            saveOf({ ...shared, accessToken: context.secret('access') }),
          ),
        );
        const made = await runTogether(processes, programs, 'together');
        requireNoneRefused(made);
        const listed = (await store.getTokens()).filter((token) =>
          shared.refreshToken === undefined
            ? recordOf(token)['userName'] === shared.userSignature?.name
            : recordOf(token)['refreshToken'] === shared.refreshToken,
        );
        const only = expectOne(listed, `what 12 saves of ${show(shared)} in 4 processes left`);
        const written = made.map(({ call }) =>
          call.method === 'saveToken' ? call.token.accessToken : undefined,
        );
        expect(
          written.includes(String(recordOf(only)['accessToken'])),
          'an access token that one of them wrote',
          `it was ${show(only)}`,
        );
      }
    },
  },
  {
    clause: 'S1',
    title: 'A2 across processes: saves of different fields of one record are all kept',
    why: 'What one process saved must not be undone by another that read before.',
    hint: HINT,
    async run(context) {
      const processes = await context.processes(4);
      const store = await context.open();
      const names = ['scope', 'apiDomain', 'redirectUrl', 'tokenType'] as const;
      for (let round = 0; round < context.rounds(12, 4); round += 1) {
        const token = context.token();
        await store.saveToken(token);
        const values = names.map((name) => context.value(name));
        const { extra } = context.kept({
          extra: Object.fromEntries(names.map((name) => [name, 1])),
        });
        const programs = names.map((name, at) => [
          saveOf({
            userSignature: token.userSignature,
            [name]: values[at],
            ...(extra && { extra: { [name]: 1 } }),
          }),
        ]);
        requireNoneRefused(await runTogether(processes, programs, 'together'));
        const record = recordOf(await store.findToken(token));
        expectSame(
          names.map((name) => record[name]),
          values,
          `${names.join(', ')} after each was saved by another process`,
        );
        expectSame(record['extra'], extra, 'extra after each process saved another name of it');
      }
    },
  },
  {
    clause: 'S1',
    title: 'A3 across processes: saves for different users lose none',
    why: 'A login that was acknowledged and is not there has spent its grant for nothing.',
    hint: HINT,
    async run(context) {
      const processes = await context.processes(4);
      const store = await context.open();
      for (let round = 0; round < context.rounds(5, 2); round += 1) {
        await store.deleteTokens();
        const programs = processes.map(() =>
          Array.from({ length: 10 }, () =>
            saveOf({
              userSignature: { name: context.value('user') },
              refreshToken: context.secret('refresh'),
            }),
          ),
        );
        requireNoneRefused(await runTogether(processes, programs, 'together'));
        const found = new Set((await recordsIn(store)).map(({ refreshToken }) => refreshToken));
        const saved = new Set(
          programs.flat().map((call) => call.method === 'saveToken' && call.token.refreshToken),
        );
        expectSame(found, saved, 'the refresh tokens that are there');
      }
    },
  },
  {
    clause: 'S1',
    title:
      'A4 across processes: a reader finds the record at any moment of its updates, and finds it whole',
    why: 'A process that finds nothing for a moment logs in again.',
    hint: HINT,
    async run(context) {
      const processes = await context.processes(3);
      const store = await context.open();
      for (let round = 0; round < context.rounds(6, 3); round += 1) {
        await store.saveToken(new OAuthToken(savedInLane(context.definition, round, 'first')));
        const writes = Array.from({ length: 15 }, (_, count) =>
          saveOf(savedInLane(context.definition, round, `write-${count}`)),
        );
        const read: Call = { method: 'findToken', token: { userName: laneUser(round) } };
        const reads: Call[] = Array.from({ length: 30 }, () => read);
        const made = await runTogether(processes, [writes, reads, reads]);
        requireNoneRefused(made);
        for (const { call, outcome } of made) {
          if (call.method !== 'findToken') continue;
          const record = asRecord(outcome.value);
          expect(
            record !== null,
            'a reader in another process to find the record',
            'it found null',
          );
          const { id: _id, version: _version, ...fields } = record;
          const tag = tagIn(fields);
          const { userSignature: _user, ...whole } = savedInLane(context.definition, round, tag);
          expectSame(
            fields,
            { ...whole, userName: laneUser(round) },
            'what a reader in another process found',
          );
        }
      }
    },
  },
  {
    clause: 'S1',
    title: 'A5 across processes: deleteTokens beside saves leaves each record whole or gone',
    why: 'A record that can be found by one key and not by another is a login that works by turns.',
    hint: HINT,
    async run(context) {
      const processes = await context.processes(3);
      const store = await context.open();
      for (let round = 0; round < context.rounds(6, 3); round += 1) {
        const saves = (): Call[] =>
          Array.from({ length: 6 }, () =>
            saveOf({
              userSignature: { name: context.value('user') },
              refreshToken: context.secret('refresh'),
            }),
          );
        const before = context.token();
        await store.saveToken(before);
        const programs: Call[][] = [
          saves(),
          saves(),
          [{ method: 'getTokens' }, { method: 'deleteTokens' }],
        ];
        requireNoneRefused(await runTogether(processes, programs));
        const listed = await recordsIn(store);
        expectSame(
          await store.findToken(before),
          null,
          'what is left of a record that was saved before deleteTokens',
        );
        for (const call of programs.flat()) {
          if (call.method !== 'saveToken') continue;
          const left = listed.find((record) => record['userName'] === call.token.userName) ?? null;
          for (const key of [
            { userName: call.token.userName },
            { refreshToken: call.token.refreshToken },
          ]) {
            const found = await store.findToken(OAuthToken.fromRecord(key));
            expectSame(
              found && recordOf(found),
              left,
              `what ${Object.keys(key).join()} finds, beside what is in the list,`,
            );
          }
        }
      }
    },
  },
  {
    clause: 'S1',
    title: 'a process sees what another one saved, updated and deleted, and remembers nothing else',
    why: 'A process that remembers that there was nothing logs in again, beside the one that has.',
    hint: 'Keep nothing in the process that another process can make wrong: what was found, nor that nothing was.',
    async run(context) {
      const [reader, writer] = await context.processes(2);
      if (reader === undefined || writer === undefined) return;
      for (let round = 0; round < context.rounds(4, 2); round += 1) {
        const token = context.token({ id: context.value('id') });
        const { id = '', accessToken } = token;
        const user = { userName: context.value('user') };
        const saved = { ...token.toRecord(), ...user };
        const reads: Call[] = [
          { method: 'findToken', token: user },
          { method: 'findToken', token: { refreshToken: token.refreshToken } },
          { method: 'findTokenById', id },
          { method: 'getTokens' },
          ...(context.definition.iterable === true ? [{ method: 'tokens' } as const] : []),
        ];
        const byAccessToken: Call = { method: 'findToken', token: { accessToken } };
        const look = async (
          when: string,
          wanted: string | undefined,
          how: readonly Call[] = reads,
        ): Promise<void> => {
          for (const { call, outcome } of await reader.run(how, 0, 'in order')) {
            const [record] = [outcome.value ?? []].flat() as PlainRecord[];
            expectSame(
              record?.['accessToken'],
              wanted,
              `the access token that ${call.method} of another process gives ${when}`,
            );
          }
        };
        const write = async (call: Call): Promise<void> =>
          requireNoneRefused(await writer.run([call], 0, 'in order'));
        await look('before the first save', undefined);
        await write({ method: 'saveToken', token: saved });
        await look('after the first save', accessToken, [...reads, byAccessToken]);
        const changed = context.secret('access');
        await write({ method: 'saveToken', token: { ...user, accessToken: changed } });
        await look('after an update', changed);
        await look('by an access token that it found before the update', undefined, [
          byAccessToken,
        ]);
        await write(round % 2 === 0 ? { method: 'deleteToken', id } : { method: 'deleteTokens' });
        await look('after the delete', undefined);
      }
    },
  },
  {
    clause: 'S1',
    title: 'records that processes save by turns are listed in that order',
    why: 'A list that changes its order with the process that saved jumps in an import or a table.',
    hint: 'Let the storage count: a number of its own in each process is none.',
    async run(context) {
      const processes = await context.processes(2);
      const ids: unknown[] = [];
      for (let turn = 0; turn < 8; turn += 1) {
        const token = context.token().toRecord();
        const call: Call = { method: 'saveToken', token };
        const made = await processes[turn % 2]?.run([call], 0, 'in order');
        requireNoneRefused(made ?? []);
        ids.push(...(made ?? []).map(({ outcome }) => asRecord(outcome.value)?.['id']));
      }
      const listed = await idsIn(await context.open());
      expectSame(listed, ids, 'the ids in the order of the first saves of two processes');
    },
  },
  {
    clause: 'V1',
    title: 'no version comes again for an id that another process has deleted',
    why: 'A process that holds version 1 of what was deleted writes over what was added since.',
    hint: 'Keep the highest version that was deleted in the storage, and read it in the step that adds.',
    async run(context) {
      requireShared(context);
      const [other] = await context.processes(1);
      const store = await context.open();
      for (const how of ['deleteToken', 'deleteTokens'] as const) {
        const token = context.token({ id: context.value('id') });
        const id = token.id ?? '';
        const save: Call = { method: 'saveToken', token: token.toRecord() };
        // It has deleted this one itself before: what it knows of that is old by then.
        requireNoneRefused(
          (await other?.run([save, { method: 'deleteToken', id }], 0, 'in order')) ?? [],
        );
        for (let count = 0; count < 3; count += 1) await store.saveToken(token);
        const deleted = versionOf(await store.findTokenById(id), 'what findTokenById gave');
        await (how === 'deleteToken' ? store.deleteToken(id) : store.deleteTokens());
        const [again] = (await other?.run([save], 0, 'in order')) ?? [];
        const version = Number(asRecord(again?.outcome.value)?.['version']);
        expect(
          version > deleted,
          `a version above ${deleted} for an id whose record another process removed by ${how}`,
          `it was ${version}`,
        );
      }
    },
  },
  {
    clause: 'V4',
    title: 'of a delete and a save with one ifVersion in two processes exactly one succeeds',
    why: 'A logout and a refresh that both think that they came first leave a login that nobody wanted.',
    hint: HINT,
    async run(context) {
      requireShared(context);
      const processes = await context.processes(2);
      const store = await context.open();
      for (let round = 0; round < context.rounds(12, 5); round += 1) {
        const saved = await store.saveToken(context.token());
        const id = idOf(saved);
        const options = { ifVersion: versionOf(saved) };
        const made = await runTogether(
          processes,
          [
            [{ method: 'deleteToken', id, options }],
            [{ method: 'saveToken', token: { id, scope: context.value('scope') }, options }],
          ],
          'together',
        );
        const codes = made.map(({ outcome }) => outcome.refused ?? 'done');
        expectSame(codes.toSorted(), ['VERSION_CONFLICT', 'done'], 'how the two of them ended');
      }
    },
  },
  {
    clause: 'V5',
    title:
      'a save with ifExists: true beside a delete of another process does not bring the record back',
    why: 'A logout beside a refresh has to win: there is nothing after it that could take the login away again.',
    hint: HINT,
    async run(context) {
      requireShared(context);
      const processes = await context.processes(2);
      const store = await context.open();
      for (let round = 0; round < context.rounds(12, 5); round += 1) {
        const token = context.token();
        const id = idOf(await store.saveToken(token));
        const save: Call = {
          method: 'saveToken',
          token: token.toRecord(),
          options: { ifExists: true },
        };
        await runTogether(processes, [[{ method: 'deleteToken', id }], [save, save]], 'together');
        expectSame(await store.getTokens(), [], 'the records after the delete');
      }
    },
  },
  {
    clause: 'S2',
    title: 'several processes open an empty place for the first time at once, and all of them work',
    why: 'A deployment starts all its processes at the same moment, the first time too.',
    hint: 'CREATE TABLE IF NOT EXISTS, indexes and migrations in one transaction; a folder or file that is there already is no error.',
    async run(context) {
      const processes = await context.freshProcesses(4, undefined, 'later');
      // Between looking for a table and creating it there is little time to meet in.
      for (let round = 0; round < context.rounds(40, 8); round += 1) {
        await using inner = context.nested();
        const place = await inner.place();
        await Promise.all(processes.map((process) => process.turnTo(place)));
        const programs = processes.map(() => [
          saveOf({
            userSignature: { name: inner.value('user') },
            refreshToken: inner.secret('refresh'),
          }),
        ]);
        const made = await runTogether(processes, programs);
        requireNoneRefused(made);
        const store = await inner.open(place);
        const found = new Set((await recordsIn(store)).map(({ refreshToken }) => refreshToken));
        const saved = new Set(
          programs.flat().map((call) => call.method === 'saveToken' && call.token.refreshToken),
        );
        expectSame(found, saved, 'the refresh tokens that are there after the first opening');
      }
    },
  },
];

function saveOf(init: TokenInit): Call {
  return { method: 'saveToken', token: new OAuthToken(init).toRecord() };
}

function requireNoneRefused(made: readonly MadeCall[]): void {
  for (const { call, outcome } of made) {
    if (outcome.refused === undefined) continue;
    throw new PromiseBroken(
      `${call.method} of every process to succeed`,
      `one failed with ${outcome.text}`,
      { cause: outcome.cause },
    );
  }
}

function asRecord(
  value: PlainRecord | readonly PlainRecord[] | null | undefined,
): PlainRecord | null {
  return value === null || value === undefined || Array.isArray(value)
    ? null
    : (value as PlainRecord);
}
