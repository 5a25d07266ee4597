import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startZohoServer, type ZohoServer } from '../src/index.ts';

const client = { client_id: 'client-1', client_secret: 'client-1-secret' };

interface Answer {
  access_token?: string;
  refresh_token?: string;
}

async function post(
  server: ZohoServer,
  fields: Record<string, string>,
  path = '',
): Promise<Answer> {
  const response = await fetch(server.accountsUrl + path, {
    method: 'POST',
    body: new URLSearchParams(fields),
  });
  return (await response.json()) as Answer;
}

function exchange(server: ZohoServer, code: string): Promise<Answer> {
  return post(server, { ...client, grant_type: 'authorization_code', code });
}

function refresh(server: ZohoServer, token = ''): Promise<Answer> {
  return post(server, { ...client, grant_type: 'refresh_token', refresh_token: token });
}

async function call(server: ZohoServer, path: string, accessToken = ''): Promise<object> {
  const headers = { authorization: `Zoho-oauthtoken ${accessToken}` };
  const response = await fetch(server.url + path, { headers });
  return { http: response.status, body: await response.json() };
}

test('a grant token is good for one exchange', async () => {
  await using server = await startZohoServer();
  const grant = server.issueGrant({ user: 'ada@example.com' });
  expect(await exchange(server, grant)).toEqual({
    access_token: expect.stringMatching(/^1000\.[0-9a-f]{32}\.[0-9a-f]{32}$/),
    refresh_token: expect.stringMatching(/^1000\./),
    api_domain: server.url,
    token_type: 'Bearer',
    scope: expect.stringContaining('ZohoCRM.modules.ALL'),
    expires_in: 3600,
  });
  expect(await exchange(server, grant)).toEqual({ error: 'invalid_code' });
  expect(server.counts).toMatchObject({ exchanges: 1, refused: 1 });
});

test('a form may be multipart, as the SDKs send it', async () => {
  await using server = await startZohoServer();
  const body = new FormData();
  const code = server.issueGrant({ user: 'ada@example.com' });
  const fields = { ...client, grant_type: 'authorization_code', code };
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  const response = await fetch(server.accountsUrl, { method: 'POST', body });
  expect(await response.json()).toHaveProperty('refresh_token');
});

test('a refresh gives an access token and no refresh token', async () => {
  await using server = await startZohoServer({ lifetime: 60 });
  const first = await exchange(server, server.issueGrant({ user: 'ada@example.com' }));
  const second = await refresh(server, first.refresh_token);
  expect(second).toMatchObject({ access_token: expect.any(String), expires_in: 60 });
  expect(second.access_token).not.toBe(first.access_token);
  expect(second).not.toHaveProperty('refresh_token');
  expect(server.counts).toMatchObject({ exchanges: 1, refreshes: 1 });
});

test('a grant may come with a brief first access token', async () => {
  await using server = await startZohoServer();
  const grant = server.issueGrant({ user: 'ada@example.com', lifetime: 6 });
  const first = await exchange(server, grant);
  expect(first).toHaveProperty('expires_in', 6);
  expect(await refresh(server, first.refresh_token)).toHaveProperty('expires_in', 3600);
});

test('an unknown client, a wrong secret and the grant of another client get nothing', async () => {
  await using server = await startZohoServer({ clients: { one: '1', two: '2' } });
  const code = server.issueGrant({ user: 'ada@example.com', clientId: 'one' });
  const ask = (client_id: string, client_secret: string): Promise<Answer> =>
    post(server, { client_id, client_secret, grant_type: 'authorization_code', code });
  expect(await ask('three', '3')).toEqual({ error: 'invalid_client' });
  expect(await ask('__proto__', '3')).toEqual({ error: 'invalid_client' });
  expect(await ask('one', '2')).toEqual({ error: 'invalid_client' });
  expect(await ask('two', '2')).toEqual({ error: 'invalid_code' });
  expect(await ask('one', '1')).toHaveProperty('access_token');
});

test('the API knows the user of an access token', async () => {
  await using server = await startZohoServer();
  const ada = await exchange(server, server.issueGrant({ user: 'ada@example.com' }));
  const bob = await exchange(server, server.issueGrant({ user: 'bob@example.com', zgid: '7' }));
  const users = '/crm/v8/users?type=CurrentUser';
  expect(await call(server, users, ada.access_token)).toMatchObject({
    http: 200,
    body: { users: [{ email: 'ada@example.com' }] },
  });
  expect(await call(server, users, bob.access_token)).toMatchObject({
    body: { users: [{ email: 'bob@example.com' }] },
  });
  expect(await call(server, '/crm/v8/org', bob.access_token)).toMatchObject({
    body: { org: [{ zgid: '7' }] },
  });
  expect(server.userOf(ada.access_token ?? '')).toEqual({
    email: 'ada@example.com',
    zgid: '60001',
  });
});

test('an access token that is unknown, at its end or taken back is refused', async () => {
  await using server = await startZohoServer();
  const modules = '/crm/v8/settings/modules';
  const refused = { http: 401, body: { code: 'INVALID_TOKEN' } };
  expect(await call(server, modules, 'made up')).toMatchObject(refused);

  const { access_token, refresh_token } = await exchange(
    server,
    server.issueGrant({ user: 'ada@example.com' }),
  );
  expect(await call(server, modules, access_token)).toMatchObject({ http: 200 });
  server.expireAccessTokens();
  expect(await call(server, modules, access_token)).toMatchObject(refused);

  server.lifetime = 0;
  const { access_token: brief } = await refresh(server, refresh_token);
  expect(await call(server, modules, brief)).toMatchObject(refused);
  expect(server.counts).toMatchObject({ apiCalls: 1, refused: 3 });
});

test('a revoked refresh token is good for nothing', async () => {
  await using server = await startZohoServer();
  const { refresh_token } = await exchange(server, server.issueGrant({ user: 'ada@example.com' }));
  expect(await post(server, { token: refresh_token ?? '' }, '/revoke')).toEqual({
    status: 'success',
  });
  expect(await refresh(server, refresh_token)).toEqual({ error: 'invalid_code' });
  expect(await post(server, { token: refresh_token ?? '' }, '/revoke')).toEqual({
    error: 'invalid_code',
  });
});

test('a state file carries tokens and unspent grants over to the next start', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'zoho-server-'));
  try {
    const stateFile = join(folder, 'state.json');
    const first = await startZohoServer({ stateFile });
    const tokens = await exchange(first, first.issueGrant({ user: 'ada@example.com' }));
    const unspent = first.issueGrant({ user: 'ada@example.com' });
    await first.stop();

    await using second = await startZohoServer({ stateFile });
    expect(await call(second, '/crm/v8/org', tokens.access_token)).toMatchObject({ http: 200 });
    expect(await refresh(second, tokens.refresh_token)).toHaveProperty('access_token');
    expect(await exchange(second, unspent)).toHaveProperty('refresh_token');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('two servers run side by side, and one can be stopped twice', async () => {
  const first = await startZohoServer();
  await using second = await startZohoServer();
  expect(first.url).not.toBe(second.url);
  await first.stop();
  await first.stop();
  await expect(fetch(first.url)).rejects.toThrow();
});
