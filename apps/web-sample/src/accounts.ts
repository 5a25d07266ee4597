import { OAuthToken, type TokenStore } from '@tokenkeep/core';
import { reauthorizationRequired, type TokenKeeper, type WhoFields } from '@tokenkeep/keeper';

/** The provider that the accounts are at, and the clients that this app is there. */
export interface Provider {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly revocationEndpoint: string;
  readonly api: string;
}

/** What a user may connect: each is a client of its own at the provider. */
export const ACCOUNTS = ['calendar', 'files'] as const;
export type Account = (typeof ACCOUNTS)[number];

export const SECRETS: Readonly<Record<Account, string>> = {
  calendar: 'secret of the calendar client',
  files: 'secret of the files client',
};

export function isAccount(name: string | undefined): name is Account {
  return ACCOUNTS.some((account) => account === name);
}

export interface Connection {
  readonly account: Account;
  readonly state: 'connected' | 'not connected' | 'login needed';
}

/** The accounts of the app's users: tokens come and go here, and nowhere else. */
export class Accounts {
  readonly #provider: Provider;
  readonly #store: TokenStore;
  readonly #keeper: TokenKeeper;

  constructor(provider: Provider, store: TokenStore, keeper: TokenKeeper) {
    this.#provider = provider;
    this.#store = store;
    this.#keeper = keeper;
  }

  async of(user: string): Promise<Connection[]> {
    return await Promise.all(
      ACCOUNTS.map(async (account) => {
        const { userName, ...fields } = this.#who(user, account);
        const wanted = new OAuthToken({ ...fields, userSignature: { name: userName } });
        const token = await this.#store.findToken(wanted);
        if (token === null) return { account, state: 'not connected' };
        const isOver = reauthorizationRequired(token) !== undefined;
        return { account, state: isOver ? 'login needed' : 'connected' };
      }),
    );
  }

  /** Where to send the browser, so that the user allows it (RFC 6749 section 4.1.1). */
  loginUrl(account: Account, redirectUrl: string, state: string): string {
    const query = { response_type: 'code', client_id: account, redirect_uri: redirectUrl, state };
    return `${this.#provider.issuer}/authorize?${new URLSearchParams(query)}`;
  }

  /** Exchanges the code that came back, and keeps what it brings. */
  async connect(user: string, account: Account, code: string, redirectUrl: string): Promise<void> {
    const response = await fetch(this.#provider.tokenEndpoint, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: account,
        client_secret: SECRETS[account],
        redirect_uri: redirectUrl,
        code,
      }),
    });
    const token = OAuthToken.fromTokenResponse(await response.json(), {
      userSignature: { name: user },
      clientId: account,
      clientSecret: SECRETS[account],
      issuer: this.#provider.issuer,
    });
    await this.#store.saveToken(token);
  }

  /** Calls the API as the user, and gives what it answers. */
  async call(user: string, account: Account): Promise<string> {
    const response = await this.#keeper.fetch(this.#who(user, account))(this.#provider.api);
    return `${response.status} ${await response.text()}`;
  }

  async disconnect(user: string, account: Account): Promise<void> {
    await this.#keeper.revoke(this.#who(user, account));
  }

  #who(userName: string, clientId: Account): WhoFields {
    return { userName, clientId, issuer: this.#provider.issuer };
  }
}
