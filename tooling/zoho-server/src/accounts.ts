import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

/** Who an access token belongs to, as the CRM API shows it. */
export interface ApiUser {
  email: string;
  /** The number of the user's organisation; the SDK names a user `email:zgid`. */
  zgid: string;
}

export interface GrantRequest {
  /** The user's e-mail address. */
  user: string;
  /** @default the first client */
  clientId?: string;
  /** @default '60001' */
  zgid?: string;
  /** Of the access token that the grant is exchanged for, in seconds; else as the server's. */
  lifetime?: number;
}

interface Grant extends ApiUser {
  clientId: string;
  lifetime?: number | undefined;
}

interface AccessToken extends ApiUser {
  expiresAt: number;
}

/** What the accounts server remembers; plain JSON, so that it can outlive the process. */
interface State {
  grants: Record<string, Grant>;
  refreshTokens: Record<string, Grant>;
  accessTokens: Record<string, AccessToken>;
}

/** The body of an answer of the token endpoint: RFC 6749 section 5.1, or 5.2 with `error`. */
export type TokenResponse = Record<string, string | number>;

/** The accounts server without its HTTP: who may have which tokens. */
export class Accounts {
  readonly #clients: Record<string, string>;
  readonly #stateFile: string | undefined;
  readonly #state: State;

  constructor(clients: Record<string, string>, stateFile: string | undefined) {
    this.#clients = clients;
    this.#stateFile = stateFile;
    this.#state = readState(stateFile);
  }

  issueGrant({ user, clientId, zgid = '60001', lifetime }: GrantRequest): string {
    const client = clientId ?? Object.keys(this.#clients)[0];
    if (client === undefined || !Object.hasOwn(this.#clients, client)) {
      throw new Error(`no client ${client} here; name it in the option "clients"`);
    }
    const grant = secret();
    this.#state.grants[grant] = { email: user, zgid, clientId: client, lifetime };
    this.#persist();
    return grant;
  }

  /** Answers what the real server does, which says 200 to nearly everything. */
  token(form: Map<string, string>, lifetime: number): TokenResponse {
    const clientId = form.get('client_id') ?? '';
    if (
      !Object.hasOwn(this.#clients, clientId) ||
      this.#clients[clientId] !== form.get('client_secret')
    ) {
      return { error: 'invalid_client' };
    }
    switch (form.get('grant_type')) {
      case 'authorization_code': {
        const code = form.get('code') ?? '';
        const grant = owned(this.#state.grants, code, clientId);
        if (!grant) return { error: 'invalid_code' };
        delete this.#state.grants[code];
        const refreshToken = secret();
        this.#state.refreshTokens[refreshToken] = grant;
        return {
          refresh_token: refreshToken,
          ...this.#accessToken(grant, grant.lifetime ?? lifetime),
        };
      }
      case 'refresh_token': {
        const grant = owned(this.#state.refreshTokens, form.get('refresh_token') ?? '', clientId);
        return grant ? this.#accessToken(grant, lifetime) : { error: 'invalid_code' };
      }
      default:
        return { error: 'unsupported_grant_type' };
    }
  }

  /** RFC 7009, as Zoho does it: refresh tokens only, known by their own value. */
  revoke(refreshToken: string): boolean {
    if (!Object.hasOwn(this.#state.refreshTokens, refreshToken)) return false;
    delete this.#state.refreshTokens[refreshToken];
    this.#persist();
    return true;
  }

  userOf(accessToken: string): ApiUser | undefined {
    if (!Object.hasOwn(this.#state.accessTokens, accessToken)) return undefined;
    const token = this.#state.accessTokens[accessToken];
    if (!token || token.expiresAt <= Date.now()) return undefined;
    return { email: token.email, zgid: token.zgid };
  }

  expireAccessTokens(): void {
    this.#state.accessTokens = {};
    this.#persist();
  }

  #accessToken({ email, zgid }: Grant, lifetime: number): TokenResponse {
    const accessToken = secret();
    this.#state.accessTokens[accessToken] = {
      email,
      zgid,
      expiresAt: Date.now() + lifetime * 1000,
    };
    this.#persist();
    return {
      access_token: accessToken,
      scope: 'ZohoCRM.modules.ALL ZohoCRM.settings.ALL ZohoCRM.users.READ ZohoCRM.org.READ',
      token_type: 'Bearer',
      expires_in: lifetime,
    };
  }

  #persist(): void {
    if (this.#stateFile) {
      writeFileSync(this.#stateFile, JSON.stringify(this.#state), { mode: 0o600 });
    }
  }
}

function readState(stateFile: string | undefined): State {
  const empty: State = { grants: {}, refreshTokens: {}, accessTokens: {} };
  if (!stateFile) return empty;
  try {
    return { ...empty, ...(JSON.parse(readFileSync(stateFile, 'utf8')) as Partial<State>) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return empty;
    throw error;
  }
}

/** A code or refresh token is good for the client only that it was given to. */
function owned(grants: Record<string, Grant>, code: string, clientId: string): Grant | undefined {
  if (!Object.hasOwn(grants, code)) return undefined;
  return grants[code]?.clientId === clientId ? grants[code] : undefined;
}

/** Looks like the real server's tokens: `1000.` and two times 128 random bits. */
function secret(): string {
  return `1000.${randomBytes(16).toString('hex')}.${randomBytes(16).toString('hex')}`;
}
