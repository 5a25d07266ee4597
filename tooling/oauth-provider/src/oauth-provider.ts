import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clients, clientOf } from './client-authentication.ts';
import { consentPage } from './consent-page.ts';
import { type Given, Grants, type Rotation } from './grants.ts';

export interface OAuthProviderOptions {
  /** @default 'rotates' */
  readonly rotation?: Rotation;
  /** How long a spent refresh token is taken with `grace`: milliseconds. @default 10_000 */
  readonly graceTime?: number;
  /** Of access tokens, in seconds. @default 3600 */
  readonly lifetime?: number;
  /** Secrets by client id; a JSON Web Key for `private_key_jwt`, `null` for none. @default { client: 'secret' } */
  readonly clients?: Clients;
  /** @default any */
  readonly port?: number;
}

/** The JSON of RFC 6749 section 5.1. */
export type TokenAnswer = Record<string, string | number>;

/** What was asked of the provider since it began. */
export interface Counts {
  exchanges: number;
  /** Refreshes that it answered with tokens. */
  refreshes: number;
  /** Requests with a refresh token that it answered with an error. */
  refusedRefreshes: number;
  revocations: number;
  apiCalls: number;
  apiRefused: number;
}

export interface OAuthProvider extends AsyncDisposable {
  readonly url: string;
  readonly tokenEndpoint: string;
  readonly revocationEndpoint: string;
  /** Answers with the user's name, or with 401. */
  readonly api: string;
  readonly counts: Readonly<Counts>;
  readonly familiesRevoked: number;
  /** The forms of the token requests, oldest first. */
  readonly requests: readonly ReadonlyMap<string, string>[];
  lifetime: number;
  /** A login without a browser: what the exchange of its code answers. */
  login(user: string, clientId?: string): TokenAnswer;
  isLive(refreshToken: string | undefined): boolean;
  userOf(accessToken: string): string | undefined;
  expireAccessTokens(): void;
  /** Token requests are done, but their answers wait until this is called again with `false`. */
  holdAnswers(hold: boolean): void;
  /** Token requests are answered with this status, and nothing is done. `undefined`: as ever. */
  failWith(status: number | undefined, headers?: Record<string, string>): void;
  /** Token requests are answered by the end of the connection, as by a server that is down. */
  hangUp(hangsUp: boolean): void;
  /** When so many token requests have come since the beginning. */
  asked(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a provider on the loopback. */
export async function startOAuthProvider(
  options: OAuthProviderOptions = {},
): Promise<OAuthProvider> {
  const provider = new LoopbackProvider(options);
  await provider.start(options.port ?? 0);
  return provider;
}

/** In place of an answer: the end of the connection. */
const HANG_UP = 'hang up';

type Answer =
  | typeof HANG_UP
  | readonly [status: number, body: object | string, headers?: Record<string, string>];

class LoopbackProvider implements OAuthProvider {
  readonly counts: Counts = {
    exchanges: 0,
    refreshes: 0,
    refusedRefreshes: 0,
    revocations: 0,
    apiCalls: 0,
    apiRefused: 0,
  };
  readonly requests: ReadonlyMap<string, string>[] = [];
  lifetime: number;
  url = '';
  readonly #clients: Clients;
  readonly #grants: Grants;
  readonly #http: Server;
  #failure: Answer | undefined;
  #held: PromiseWithResolvers<void> | undefined;
  readonly #waiting: { count: number; resolve: () => void }[] = [];

  constructor(options: OAuthProviderOptions) {
    this.lifetime = options.lifetime ?? 3_600;
    this.#clients = options.clients ?? { client: 'secret' };
    this.#grants = new Grants(options.rotation ?? 'rotates', options.graceTime ?? 10_000);
    // Idle connections stay: a process that was stopped for a while would find its own closed.
    this.#http = createServer({ keepAliveTimeout: 0 }, (request, response) => {
      this.#answer(request).then(
        (answer) => (answer === HANG_UP ? request.socket.destroy() : send(response, answer)),
        (error: unknown) => send(response, [500, { error: 'server_error', why: String(error) }]),
      );
    });
  }

  async start(port: number): Promise<void> {
    this.#http.listen(port, '127.0.0.1');
    await once(this.#http, 'listening');
    this.url = `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  get tokenEndpoint(): string {
    return `${this.url}/token`;
  }
  get revocationEndpoint(): string {
    return `${this.url}/revoke`;
  }
  get api(): string {
    return `${this.url}/api/me`;
  }
  get familiesRevoked(): number {
    return this.#grants.familiesRevoked;
  }

  login(user: string, clientId: string = Object.keys(this.#clients)[0] ?? ''): TokenAnswer {
    const code = this.#grants.code(user, clientId);
    return this.#tokens(this.#grants.exchange(code, clientId, this.lifetime));
  }

  isLive(refreshToken: string | undefined): boolean {
    return refreshToken !== undefined && this.#grants.isLive(refreshToken);
  }

  userOf(accessToken: string): string | undefined {
    return this.#grants.userOf(accessToken);
  }

  expireAccessTokens(): void {
    this.#grants.expireAccessTokens();
  }

  holdAnswers(hold: boolean): void {
    if (hold) this.#held ??= Promise.withResolvers();
    else {
      this.#held?.resolve();
      this.#held = undefined;
    }
  }

  failWith(status: number | undefined, headers: Record<string, string> = {}): void {
    this.#failure = status === undefined ? undefined : [status, { error: 'server_error' }, headers];
  }

  hangUp(hangsUp: boolean): void {
    this.#failure = hangsUp ? HANG_UP : undefined;
  }

  asked(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ count, resolve });
      this.#tellWaiting();
    });
  }

  async stop(): Promise<void> {
    this.holdAnswers(false);
    this.#http.closeAllConnections();
    if (this.#http.listening) await new Promise((resolve) => this.#http.close(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    const form = await formOf(request);
    // Libraries have paths of their own: what is asked for tells the endpoint.
    if (form.has('grant_type')) return await this.#token(request, form);
    if (/revoke|refresh-tokens/.test(pathname)) {
      const named = form.get('token') ?? form.get('refresh_token') ?? searchParams.get('token');
      return await this.#revoke(request, form, named ?? pathname.split('/').at(-1) ?? '');
    }
    if (pathname.startsWith('/api/')) return this.#api(request);
    if (pathname === '/authorize') return this.#authorize(request.method, searchParams, form);
    if (/^\/\.well-known\/(?:oauth-authorization-server|openid-configuration)$/.test(pathname))
      return [200, this.#metadata()];
    return [404, { error: 'not_found' }];
  }

  async #token(request: IncomingMessage, form: ReadonlyMap<string, string>): Promise<Answer> {
    this.requests.push(form);
    this.#tellWaiting();
    const answer = await this.#tokenAnswer(request, form);
    await this.#held?.promise;
    return answer;
  }

  async #tokenAnswer(request: IncomingMessage, form: ReadonlyMap<string, string>): Promise<Answer> {
    if (this.#failure !== undefined) return this.#failure;
    const clientId = await clientOf(this.#clients, request.headers.authorization, form);
    if (clientId === undefined) return [401, { error: 'invalid_client' }];
    const code = form.get('code');
    if (code !== undefined) {
      const given = this.#grants.exchange(code, clientId, this.lifetime);
      if (given !== undefined) this.counts.exchanges += 1;
      return given === undefined ? [400, { error: 'invalid_grant' }] : [200, this.#tokens(given)];
    }
    const given = this.#grants.refresh(form.get('refresh_token') ?? '', clientId, this.lifetime);
    this.counts[given === undefined ? 'refusedRefreshes' : 'refreshes'] += 1;
    return given === undefined ? [400, { error: 'invalid_grant' }] : [200, this.#tokens(given)];
  }

  async #revoke(
    request: IncomingMessage,
    form: ReadonlyMap<string, string>,
    token: string,
  ): Promise<Answer> {
    if (this.#failure !== undefined) return this.#failure;
    const { authorization } = request.headers;
    // Whoever has the token may take it back: Google's and Salesforce's clients say nothing else.
    const saysWho = authorization !== undefined || form.has('client_id');
    if (saysWho && (await clientOf(this.#clients, authorization, form)) === undefined)
      return [401, { error: 'invalid_client' }];
    this.counts.revocations += 1;
    this.#grants.revoke(token);
    return request.method === 'DELETE' ? [204, ''] : [200, {}];
  }

  #api(request: IncomingMessage): Answer {
    const [, accessToken = ''] = (request.headers.authorization ?? '').split(' ');
    const user = this.#grants.userOf(accessToken);
    this.counts[user === undefined ? 'apiRefused' : 'apiCalls'] += 1;
    return user === undefined ? [401, { error: 'invalid_token' }] : [200, { user }];
  }

  /** The page that asks the user, and what is done when the form on it is sent. */
  #authorize(
    method: string | undefined,
    query: URLSearchParams,
    form: ReadonlyMap<string, string>,
  ): Answer {
    const clientId = query.get('client_id') ?? '';
    const redirect = query.get('redirect_uri') ?? '';
    if (!Object.hasOwn(this.#clients, clientId) || !URL.canParse(redirect))
      return [400, { error: 'invalid_request' }];
    if (method !== 'POST') return [200, consentPage(clientId)];
    const back = new URL(redirect);
    back.searchParams.set('code', this.#grants.code(form.get('user') ?? '', clientId));
    back.searchParams.set('state', query.get('state') ?? '');
    back.searchParams.set('iss', this.url);
    return [303, '', { location: back.href }];
  }

  #tokens(given: Given | undefined): TokenAnswer {
    if (given === undefined) throw new Error('the code of the login is gone');
    return {
      access_token: given.accessToken,
      ...(given.refreshToken === undefined ? {} : { refresh_token: given.refreshToken }),
      token_type: 'Bearer',
      expires_in: this.lifetime,
    };
  }

  #metadata(): object {
    return {
      issuer: this.url,
      authorization_endpoint: `${this.url}/authorize`,
      token_endpoint: this.tokenEndpoint,
      revocation_endpoint: this.revocationEndpoint,
      response_types_supported: ['code'],
    };
  }

  #tellWaiting(): void {
    for (const { count, resolve } of this.#waiting) {
      if (this.requests.length >= count) resolve();
    }
  }
}

async function formOf(request: IncomingMessage): Promise<Map<string, string>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  // Some libraries send JSON.
  if (/json/.test(request.headers['content-type'] ?? '') && text !== '')
    return new Map(Object.entries(JSON.parse(text) as Record<string, string>));
  return new Map(new URLSearchParams(text));
}

function send(
  response: ServerResponse,
  [status, body, headers = {}]: Exclude<Answer, typeof HANG_UP>,
): void {
  const isPage = typeof body === 'string';
  const type = isPage ? 'text/html;charset=utf-8' : 'application/json';
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...headers });
  response.end(isPage ? body : JSON.stringify(body));
}
