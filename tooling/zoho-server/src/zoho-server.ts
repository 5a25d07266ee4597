import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Accounts, type ApiUser, type GrantRequest } from './accounts.ts';

export interface ZohoServerOptions {
  /**
   * The registered clients: client id to client secret.
   * @default { 'client-1': 'client-1-secret' }
   */
  clients?: Record<string, string>;
  /**
   * How long an access token lives, in seconds.
   * @default 3600
   */
  lifetime?: number;
  /** A file that carries grants and tokens over to the next start; kept in memory without it. */
  stateFile?: string;
}

/** How often each thing was asked for since the start, with success if not said otherwise. */
export interface Counts {
  exchanges: number;
  refreshes: number;
  revocations: number;
  apiCalls: number;
  /** Requests answered with an error. */
  refused: number;
}

export interface ZohoServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`: the API address. */
  readonly url: string;
  /** The token endpoint, which the SDK calls the accounts address. */
  readonly accountsUrl: string;
  readonly counts: Readonly<Counts>;
  /** In seconds, of the access tokens given from now on. */
  lifetime: number;
  /** A grant token, as a user gets it by logging in. It can be spent once. */
  issueGrant(request: GrantRequest): string;
  /** Makes every access token given so far invalid, without the client being told. */
  expireAccessTokens(): void;
  /** Whose access token this is, if it is still good. */
  userOf(accessToken: string): ApiUser | undefined;
  stop(): Promise<void>;
}

/** Starts the stand-in on a free port of the loopback. */
export async function startZohoServer(options: ZohoServerOptions = {}): Promise<ZohoServer> {
  const accounts = new Accounts(
    options.clients ?? { 'client-1': 'client-1-secret' },
    options.stateFile,
  );
  const counts: Counts = { exchanges: 0, refreshes: 0, revocations: 0, apiCalls: 0, refused: 0 };

  const http = createServer((request, response) => {
    answer(request).then(
      ([status, body]) => send(response, status, body),
      (error: unknown) => send(response, 500, { error: String(error) }),
    );
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage): Promise<[status: number, body: object]> {
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    const answered = pathname.startsWith('/oauth/v2/')
      ? answerAccounts(`${request.method} ${pathname}`, await readForm(request))
      : answerApi(`${request.method} ${pathname}`, searchParams, request.headers.authorization);
    if (answered[0] !== 200 || 'error' in answered[1]) counts.refused++;
    return answered;
  }

  function answerAccounts(call: string, form: Map<string, string>): [number, object] {
    switch (call) {
      case 'POST /oauth/v2/token': {
        const body = accounts.token(form, server.lifetime);
        if ('error' in body) return [200, body];
        if (form.get('grant_type') === 'authorization_code') counts.exchanges++;
        else counts.refreshes++;
        return [200, { ...body, api_domain: url }];
      }
      case 'POST /oauth/v2/token/revoke':
        if (!accounts.revoke(form.get('token') ?? '')) return [400, { error: 'invalid_code' }];
        counts.revocations++;
        return [200, { status: 'success' }];
      default:
        return [404, { error: 'not_found' }];
    }
  }

  function answerApi(
    call: string,
    parameters: URLSearchParams,
    authorization: string | undefined,
  ): [number, object] {
    const [scheme, accessToken] = (authorization ?? '').split(' ');
    const user = scheme === 'Zoho-oauthtoken' ? accounts.userOf(accessToken ?? '') : undefined;
    if (!user) return [401, apiError('INVALID_TOKEN', 'invalid oauth token')];
    switch (call) {
      case 'GET /crm/v8/users':
        if (parameters.get('type') !== 'CurrentUser') {
          return [400, apiError('INVALID_DATA', 'only type=CurrentUser is known here')];
        }
        counts.apiCalls++;
        return [200, { users: [{ id: '4150868000000001', email: user.email }] }];
      case 'GET /crm/v8/org':
        counts.apiCalls++;
        return [200, { org: [{ id: '4150868000000002', zgid: user.zgid }] }];
      case 'GET /crm/v8/settings/modules':
        counts.apiCalls++;
        return [200, { modules: ['Leads', 'Contacts', 'Deals'].map(module) }];
      default:
        return [404, apiError('INVALID_URL_PATTERN', 'Please check if the URL is correct')];
    }
  }

  const stop = async (): Promise<void> => {
    // The SDKs keep their connections alive; they would hold the server open.
    http.closeAllConnections();
    if (http.listening) await new Promise((resolve) => http.close(resolve));
  };
  const server: ZohoServer = {
    url,
    accountsUrl: `${url}/oauth/v2/token`,
    counts,
    lifetime: options.lifetime ?? 3600,
    issueGrant: (request) => accounts.issueGrant(request),
    expireAccessTokens: () => accounts.expireAccessTokens(),
    userOf: (accessToken) => accounts.userOf(accessToken),
    stop,
    [Symbol.asyncDispose]: stop,
  };
  return server;
}

/** The SDKs post `multipart/form-data`, where RFC 6749 has `x-www-form-urlencoded`; both are read. */
async function readForm(request: IncomingMessage): Promise<Map<string, string>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const contentType = request.headers['content-type'];
  if (!contentType) return new Map();
  const body = new Response(Buffer.concat(chunks), { headers: { 'content-type': contentType } });
  const form = new Map<string, string>();
  for (const [name, value] of await body.formData()) form.set(name, String(value));
  return form;
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8' });
  response.end(JSON.stringify(body));
}

function apiError(code: string, message: string): object {
  return { code, details: {}, message, status: 'error' };
}

function module(name: string, index: number): object {
  return { id: `415086800000001${index}`, api_name: name, plural_label: name, api_supported: true };
}
