import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import { startZohoServer } from '@tokenkeep/zoho-server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Program, startProgram } from './program/start-program.ts';
import { openStore } from './program/stores.ts';

const client = { clientId: 'client-1', clientSecret: 'client-1-secret' };
const ada = { user: 'ada@example.com' };
const bob = { user: 'bob@example.com' };
const adaName = 'ada@example.com:60001';
const bobName = 'bob@example.com:60001';

/** In seconds. The SDKs refresh what is good for less than 5 seconds: this is over at once. */
const overAtOnce = 4;
const anHour = 3600;

/**
 * What users of an SDK live through, as tests: the real SDK, each start of it a process of its own.
 *
 * @param sdk the name of the SDK's package
 */
export function testScenarios(sdk: string): void {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'zoho-'));
    path = join(folder, 'tokens.db');
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** What is in the store, read by this process. */
  async function stored(): Promise<OAuthToken[]> {
    await using store = openStore(path);
    return await store.getTokens();
  }

  /** Puts a token into the store that needs no server to be used. */
  async function seed(init: TokenInit): Promise<OAuthToken> {
    await using store = openStore(path);
    return await store.saveToken(new OAuthToken({ ...client, expiresIn: anHour, ...init }));
  }

  describe('logs in once', () => {
    test('a grant is exchanged, and what comes for it is kept whole', async () => {
      await using server = await startZohoServer();
      await using program = startProgram(sdk, server, path);
      const login = {
        ...client,
        redirectUrl: 'https://example.com/back',
        grantToken: server.issueGrant(ada),
      };

      const token = await program.run('initialize', login);

      expect(await program.run('currentUser')).toBe('ada@example.com');
      expect(server.counts).toMatchObject({ exchanges: 1, refreshes: 0, refused: 0 });
      const [record, ...others] = await stored();
      expect(others).toEqual([]);
      expect(record?.toRecord()).toEqual({
        ...login,
        id: expect.any(String),
        version: expect.any(Number),
        userName: adaName,
        refreshToken: expect.stringMatching(/^1000\./),
        accessToken: expect.stringMatching(/^1000\./),
        expiresAt: Number(token.expiresIn),
        apiDomain: server.url,
      });
      expect(token.id).toBe(record?.id);
      expect(record?.expiresIn).toBeGreaterThan(anHour - 60);
    });

    test('a second start needs no other grant, by the spent one or by the user alone', async () => {
      await using server = await startZohoServer();
      const login = { ...client, grantToken: server.issueGrant(ada) };
      let first: unknown;
      {
        await using program = startProgram(sdk, server, path);
        first = await program.run('initialize', login);
      }
      for (const again of [login, { userName: adaName }]) {
        await using program = startProgram(sdk, server, path);
        expect(await program.run('initialize', again)).toEqual(first);
        expect(await program.run('currentUser')).toBe('ada@example.com');
      }
      expect(server.counts).toMatchObject({ exchanges: 1, refreshes: 0, refused: 0 });
      expect(await stored()).toHaveLength(1);
    });

    test('with findUser(false) no user is looked up, and the grant finds the record', async () => {
      await using server = await startZohoServer();
      const login = { ...client, grantToken: server.issueGrant(ada), findUser: false };
      for (const _start of [1, 2]) {
        await using program = startProgram(sdk, server, path);
        expect(await program.run('initialize', login)).toMatchObject({ userName: null });
      }
      expect(server.counts).toMatchObject({ exchanges: 1, apiCalls: 0 });
      expect(await stored()).toHaveLength(1);
    });
  });

  describe('refreshes', () => {
    test('an access token that is over is refreshed once, and the refresh is kept', async () => {
      await using server = await startZohoServer({ lifetime: overAtOnce });
      await using program = startProgram(sdk, server, path);
      await program.run('initialize', { ...client, grantToken: server.issueGrant(ada) });
      const [before] = await stored();
      server.expireAccessTokens();
      server.lifetime = anHour;

      expect(await program.run('currentUser')).toBe('ada@example.com');
      expect(await program.run('currentUser')).toBe('ada@example.com');

      expect(server.counts).toMatchObject({ exchanges: 1, refreshes: 1, refused: 0 });
      const [after] = await stored();
      expect(after?.toRecord()).toEqual({
        ...before?.toRecord(),
        version: expect.any(Number),
        extra: {},
        accessToken: expect.not.stringMatching(before?.accessToken ?? ''),
        expiresAt: expect.any(Number),
      });
      expect(after?.expiresIn).toBeGreaterThan(anHour - 60);
    });

    test('a running program uses what another process has refreshed', async () => {
      await using server = await startZohoServer({ lifetime: overAtOnce });
      const login = { ...client, grantToken: server.issueGrant(ada) };
      await using program = startProgram(sdk, server, path);
      await program.run('initialize', login);
      server.expireAccessTokens();
      server.lifetime = anHour;
      {
        await using other = startProgram(sdk, server, path);
        await other.run('initialize', login);
        expect(server.counts).toMatchObject({ exchanges: 1, refreshes: 1 });
      }

      expect(await program.run('currentUser')).toBe('ada@example.com');

      expect(server.counts).toMatchObject({ exchanges: 1, refreshes: 1, refused: 0 });
    });

    test('a program with an old access token of its own gets the newer one', async () => {
      await using server = await startZohoServer();
      const current = await seed({
        userSignature: { name: adaName },
        refreshToken: 'current refresh token',
        accessToken: 'current access token',
      });
      await using program = startProgram(sdk, server, path);
      const token = await program.run('initialize', {
        ...client,
        userName: adaName,
        refreshToken: 'old refresh token',
        accessToken: 'old access token',
      });
      expect(token).toMatchObject({
        id: current.id,
        refreshToken: 'current refresh token',
        accessToken: 'current access token',
        expiresIn: String(current.expiresAt),
      });
      expect((await stored())[0]?.toRecord()).toEqual(current.toRecord());
    });

    test('a nameless record stays beside the one that its user has, for those who hold its id', async () => {
      await using server = await startZohoServer({ lifetime: overAtOnce });
      const nameless = { ...client, grantToken: server.issueGrant(ada) };
      {
        await using program = startProgram(sdk, server, path);
        await program.run('initialize', { ...nameless, findUser: false });
      }
      {
        await using program = startProgram(sdk, server, path);
        await program.run('initialize', { ...client, grantToken: server.issueGrant(ada) });
      }
      const before = await stored();
      await using program = startProgram(sdk, server, path);
      await program.run('initialize', nameless);

      expect(await program.run('currentUser')).toBe('ada@example.com');
      const after = await stored();
      expect(after.map((record) => record.userSignature?.name)).toEqual([undefined, adaName]);
      expect(after.map((record) => record.id)).toEqual(before.map((record) => record.id));
      expect(after[0]?.grantToken).toBe(nameless.grantToken);
      expect(after[0]?.version).toBeGreaterThan(before[0]?.version ?? 0);
    });
  });

  describe('asks once for several processes', () => {
    const processes = 4;
    const calls = 10;

    async function callFrom(programs: readonly Program[]): Promise<string[]> {
      return (await Promise.all(programs.map((program) => program.run('calls', calls)))).flat();
    }

    test('ten calls in each of four processes make one refresh, and all go well', async () => {
      await using server = await startZohoServer({ lifetime: overAtOnce });
      const login = { ...client, grantToken: server.issueGrant(ada) };
      const programs = Array.from({ length: processes }, () => startProgram(sdk, server, path));
      await using _ = disposing(programs);
      for (const program of programs) {
        server.lifetime = anHour;
        await program.run('initialize', login);
      }
      server.expireAccessTokens();
      const [record] = await stored();
      await using store = openStore(path);
      await store.saveToken(new OAuthToken({ id: record?.id, expiresAt: Date.now() }));
      const before = server.counts.refreshes;

      const answers = await callFrom(programs);

      expect(answers).toEqual(Array.from({ length: processes * calls }, () => 'ada@example.com'));
      expect(server.counts.refreshes - before).toBe(1);
      expect(server.counts).toMatchObject({ exchanges: 1, refused: 0 });
      console.log(
        `${sdk}: ${server.counts.refreshes - before} refresh, ${answers.length} of ${answers.length} calls`,
      );
    });

    test('a grant that four processes have is exchanged once', async () => {
      await using server = await startZohoServer();
      const login = { ...client, grantToken: server.issueGrant(ada) };
      const programs = Array.from({ length: processes }, () => startProgram(sdk, server, path));
      await using _ = disposing(programs);

      await Promise.all(programs.map((program) => program.run('initialize', login)));

      expect(server.counts).toMatchObject({ exchanges: 1, refused: 0 });
      expect(await stored()).toHaveLength(1);
      expect(new Set(await callFrom(programs))).toEqual(new Set(['ada@example.com']));
    });

    test('a grant that is refused leaves nothing behind', async () => {
      await using server = await startZohoServer();
      await using program = startProgram(sdk, server, path);
      const login = { ...client, grantToken: 'spent' };
      await expect(program.run('initialize', login)).rejects.toThrow(/invalid_code/);
      expect(await stored()).toEqual([]);
    });
  });

  describe('does what the SDKs can not', () => {
    test('revokes by id, also by the method of the token', async () => {
      await using server = await startZohoServer();
      for (const command of ['revokeInStore', 'revoke'] as const) {
        await using program = startProgram(sdk, server, path);
        const login = { ...client, grantToken: server.issueGrant(ada) };
        const { id } = await program.run('initialize', login);
        await program.run(command, id ?? '');
        expect(await stored()).toEqual([]);
      }
      expect(server.counts).toMatchObject({ exchanges: 2, revocations: 2, refused: 0 });
    });

    test('works as one user after the other, there and back', async () => {
      await using server = await startZohoServer();
      for (const user of [ada, bob]) {
        await using program = startProgram(sdk, server, path);
        await program.run('initialize', { ...client, grantToken: server.issueGrant(user) });
      }
      await using program = startProgram(sdk, server, path);
      await program.run('initialize', { userName: adaName });
      const names = [adaName, bobName, adaName, bobName, adaName];
      const emails = names.map((name) => name.split(':')[0]);
      expect(await program.run('asUsers', names)).toEqual(emails);
    });

    test('purges access tokens that are over, and nothing else', async () => {
      await using server = await startZohoServer();
      const expiresAt = Date.now() - 60_000;
      const login = {
        userSignature: { name: adaName },
        refreshToken: 'kept',
        accessToken: 'of ada',
      };
      await seed({ ...login, expiresAt, expiresIn: null });
      await seed({ clientId: null, accessToken: 'over', expiresAt, expiresIn: null });
      await seed({ clientId: null, accessToken: 'good' });
      await using program = startProgram(sdk, server, path);
      expect(await program.run('purge', Date.now() - 120_000)).toBe(0);
      expect(await program.run('purge', Date.now())).toBe(1);
      const left = (await stored()).map(({ accessToken }) => accessToken);
      expect(left).toEqual(['of ada', 'good']);
    });
  });

  describe('tells users and clients apart', () => {
    test('two users of one client', async () => {
      await using server = await startZohoServer();
      for (const user of [ada, bob]) {
        await using program = startProgram(sdk, server, path);
        await program.run('initialize', { ...client, grantToken: server.issueGrant(user) });
      }
      expect(await stored()).toHaveLength(2);
      for (const [userName, email] of [
        [adaName, 'ada@example.com'],
        [bobName, 'bob@example.com'],
      ] as const) {
        await using program = startProgram(sdk, server, path);
        await program.run('initialize', { ...client, userName });
        expect(await program.run('currentUser')).toBe(email);
      }
      expect(server.counts).toMatchObject({ exchanges: 2, refreshes: 0, refused: 0 });
    });

    test('two users in one program, one after the other', async () => {
      await using server = await startZohoServer();
      for (const user of [ada, bob]) {
        await using program = startProgram(sdk, server, path);
        await program.run('initialize', { ...client, grantToken: server.issueGrant(user) });
      }
      await using program = startProgram(sdk, server, path);
      await program.run('initialize', { userName: adaName });
      expect(await program.run('currentUser')).toBe('ada@example.com');
      await program.run('switchUser', { userName: bobName });
      expect(await program.run('currentUser')).toBe('bob@example.com');
      // Not back to the first: both SDKs keep the second user's settings under the first one's name.
      expect(server.counts).toMatchObject({ exchanges: 2, refreshes: 0, refused: 0 });
    });

    test('one user of two clients has two records, and the client says which', async () => {
      const clients = { one: 'secret of one', two: 'secret of two' };
      await using server = await startZohoServer({ clients });
      const ids: (string | null)[] = [];
      for (const [clientId, clientSecret] of Object.entries(clients)) {
        await using program = startProgram(sdk, server, path);
        const grantToken = server.issueGrant({ ...ada, clientId });
        ids.push((await program.run('initialize', { clientId, clientSecret, grantToken })).id);
      }
      expect(new Set(ids).size).toBe(2);
      for (const [index, [clientId, clientSecret]] of Object.entries(clients).entries()) {
        await using program = startProgram(sdk, server, path);
        const login = { clientId, clientSecret, userName: adaName };
        expect(await program.run('initialize', login)).toMatchObject({ id: ids[index], clientId });
      }
    });

    test('one user of two clients by name alone is refused, with what to do', async () => {
      await using server = await startZohoServer();
      for (const clientId of ['one', 'two']) {
        await seed({ clientId, userSignature: { name: adaName }, accessToken: `of ${clientId}` });
      }
      await using program = startProgram(sdk, server, path);
      await expect(program.run('initialize', { userName: adaName })).rejects.toThrow(
        /^SDKException: [\s\S]* Name its client \(clientId\) [\s\S]* code: 'AMBIGUOUS_TOKEN'/,
      );
      expect(await program.run('tokens')).toHaveLength(2);
    });
  });

  describe('finds a token by its id', () => {
    test('exactly, whatever it looks like', async () => {
      await using server = await startZohoServer();
      const ids = [
        '1',
        '01',
        ' 1',
        '1 ',
        '__proto__',
        `a'b"c,d\ne`,
        '%',
        'ключ 🔑',
        'x'.repeat(2000),
      ];
      for (const id of ids) {
        await seed({ id, userSignature: { name: `user of ${id}` }, accessToken: `token of ${id}` });
      }
      await using program = startProgram(sdk, server, path);
      expect(await program.run('initialize', { id: '01' })).toMatchObject({
        id: '01',
        userName: 'user of 01',
        accessToken: 'token of 01',
      });
      for (const id of ids) {
        expect(await program.run('findById', id)).toMatchObject({
          id,
          userName: `user of ${id}`,
          accessToken: `token of ${id}`,
        });
      }
      for (const id of ['1.0', '001', 'X'.repeat(2000), 'constructor']) {
        await expect(program.run('findById', id)).rejects.toThrow(/^SDKException/);
      }
    });

    test('and says so where there is none, with an exception of the SDK', async () => {
      await using server = await startZohoServer();
      await seed({ id: 'known', userSignature: { name: adaName }, accessToken: 'token' });
      await using program = startProgram(sdk, server, path);
      await expect(program.run('initialize', { id: 'unknown' })).rejects.toThrow(
        /^SDKException: .*no token with the id "unknown"/,
      );
      expect(await program.run('tokens')).toMatchObject([{ id: 'known' }]);
    });
  });

  describe('keeps values as they are', () => {
    const hostile = `'; DROP TABLE oauthtoken; -- ","{}:*%_\\ \r\n\t\u0000 ünï 🔑 __proto__ {"$ne":null} `;

    test('hostile ones', async () => {
      await using server = await startZohoServer();
      const login = {
        clientId: `client ${hostile}`,
        clientSecret: `secret ${hostile}`,
        redirectUrl: `redirect ${hostile}`,
        refreshToken: `refresh ${hostile}`,
        accessToken: `access ${hostile}`,
        userName: `user ${hostile}`,
      };
      {
        await using program = startProgram(sdk, server, path);
        await program.run('initialize', login);
      }
      await using program = startProgram(sdk, server, path);
      const { userName, clientId } = login;
      expect(await program.run('initialize', { userName, clientId })).toMatchObject(login);
    });

    test('long ones, up to 64 KiB a field', async () => {
      await using server = await startZohoServer();
      const long = 'ä'.repeat(32 * 1024);
      const login = { refreshToken: `${long}`, accessToken: long, userName: long };
      {
        await using program = startProgram(sdk, server, path);
        await program.run('initialize', { ...client, ...login });
      }
      await using program = startProgram(sdk, server, path);
      expect(await program.run('initialize', { userName: long })).toMatchObject(login);
    });

    test('longer ones are refused before the grant is spent', async () => {
      await using server = await startZohoServer();
      await using program = startProgram(sdk, server, path);
      const grantToken = server.issueGrant(ada);
      const login = { ...client, grantToken, redirectUrl: `https://${'x'.repeat(64 * 1024)}` };
      await expect(program.run('initialize', login)).rejects.toThrow(/redirectUrl/);
      expect(server.counts.exchanges).toBe(0);
      await program.run('initialize', { ...client, grantToken });
      expect(server.counts.exchanges).toBe(1);
    });
  });

  describe('removes', () => {
    test('a token, and then a start has to log in anew', async () => {
      await using server = await startZohoServer();
      const login = { ...client, grantToken: server.issueGrant(ada) };
      {
        await using program = startProgram(sdk, server, path);
        await program.run('initialize', login);
        expect(await program.run('remove')).toBe(true);
      }
      expect(await stored()).toEqual([]);
      await using program = startProgram(sdk, server, path);
      await expect(program.run('initialize', login)).rejects.toThrow(/invalid_code/);
      await program.run('initialize', { ...client, grantToken: server.issueGrant(ada) });
      expect(await stored()).toHaveLength(1);
    });
  });

  describe('reports a store that fails', () => {
    test('a save that fails for a while goes well in the end', async () => {
      await using server = await startZohoServer();
      await using program = startProgram(sdk, server, 'failing:3', { retryDelays: [1, 1, 1] });
      await program.run('initialize', { ...client, grantToken: server.issueGrant(ada) });
      expect(await program.run('tokens')).toMatchObject([{ userName: adaName }]);
    });

    test('a save that keeps failing says so, and what was exchanged can be saved later', async () => {
      await using server = await startZohoServer();
      await using program = startProgram(sdk, server, 'failing:3', { retryDelays: [1, 1] });
      const login = { ...client, grantToken: server.issueGrant(ada) };
      await expect(program.run('initialize', login)).rejects.toThrow(
        /^SDKException: [\s\S]*The save was tried 3 times: .* in memory only/,
      );
      // That it was asked for is there.
      expect(await program.run('tokens')).toMatchObject([{ refreshToken: null }]);

      const token = await program.run('saveAgain');
      expect(token).toMatchObject({ id: expect.any(String), refreshToken: expect.any(String) });
      expect(await program.run('tokens')).toEqual([token]);
      expect(server.counts.exchanges).toBe(1);
    });

    test('no grant is spent where the store can not be read', async () => {
      await using server = await startZohoServer();
      await using program = startProgram(sdk, server, 'broken:');
      const login = { ...client, grantToken: server.issueGrant(ada) };
      await expect(program.run('initialize', login)).rejects.toThrow(
        /^SDKException: [\s\S]*CONNECTION_FAILED/,
      );
      await expect(program.run('initialize', { id: '1' })).rejects.toThrow(
        /^SDKException: [\s\S]*CONNECTION_FAILED/,
      );
      expect(server.counts.exchanges).toBe(0);
    });

    test("the SDK's revoke(), which does not wait for the store, does not end the program", async () => {
      await using server = await startZohoServer();
      await using program = startProgram(sdk, server, 'broken:');
      const login = { ...client, grantToken: server.issueGrant(ada) };
      await expect(program.run('initialize', login)).rejects.toThrow(/CONNECTION_FAILED/);
      await program.run('revoke', 'some id').catch(() => {});
      expect(await program.run('tokens')).toEqual([]);
    });
  });
}

/** Ends them all when the test is over. */
function disposing(programs: readonly Program[]): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await Promise.all(programs.map((program) => program[Symbol.asyncDispose]()));
    },
  };
}
