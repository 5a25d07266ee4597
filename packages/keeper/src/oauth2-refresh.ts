import type { OAuthToken } from '@tokenkeep/core';
import { invalidOption, requireKnownOptions } from '@tokenkeep/core/adapter';
import { isLoopback } from '@tokenkeep/core/adapter/server';
import * as oauth from 'oauth4webapi';
import type { RefreshContext, Refresher } from './refresher.ts';

/** Options of {@link oauth2Refresh}. */
export interface OAuth2RefreshOptions {
  /** The authorization server: its endpoints are discovered (RFC 8414, OpenID Connect Discovery). */
  readonly issuer?: string | undefined;
  /** In place of `issuer`. */
  readonly tokenEndpoint?: string | undefined;
  /** RFC 7009; with `issuer` it is discovered. Without one, `revoke` only deletes the record. */
  readonly revocationEndpoint?: string | undefined;
  /**
   * How the client says who it is (RFC 6749 section 2.3; `private_key_jwt`: RFC 7523).
   *
   * @default 'client_secret_basic'
   */
  readonly clientAuthentication?:
    | 'client_secret_basic'
    | 'client_secret_post'
    | 'private_key_jwt'
    | 'none'
    | undefined;
  /** @default the `clientId` of the record */
  readonly clientId?: string | undefined;
  /** @default the `clientSecret` of the record */
  readonly clientSecret?: string | undefined;
  /** For `private_key_jwt`. */
  readonly privateKey?: oauth.CryptoKey | oauth.PrivateKey | undefined;
  /** What the access token is for (RFC 8707). @default the `resource` of the record */
  readonly resource?: string | undefined;
  /** Asks for less than was granted. */
  readonly scope?: string | undefined;
}

/**
 * Refreshes and revokes at any server that keeps to RFC 6749 and RFC 7009, by `oauth4webapi`.
 *
 * @throws TokenStoreError `INVALID_OPTION`
 *
 * @example
 * oauth2Refresh({ issuer: 'https://accounts.example.com', clientAuthentication: 'none' })
 */
export function oauth2Refresh(options: OAuth2RefreshOptions): Refresher {
  requireOptions(options);
  const { clientAuthentication = 'client_secret_basic' } = options;
  let discovered: Promise<oauth.AuthorizationServer> | undefined;

  const server = async (signal: AbortSignal): Promise<oauth.AuthorizationServer> => {
    const { issuer, tokenEndpoint, revocationEndpoint } = options;
    if (issuer === undefined) {
      return {
        issuer: tokenEndpoint ?? '',
        ...(tokenEndpoint === undefined ? {} : { token_endpoint: tokenEndpoint }),
        ...(revocationEndpoint === undefined ? {} : { revocation_endpoint: revocationEndpoint }),
      };
    }
    discovered ??= discover(new URL(issuer), signal);
    try {
      return await discovered;
    } catch (error) {
      discovered = undefined;
      throw error;
    }
  };

  const authentication = (token: OAuthToken): oauth.ClientAuth => {
    const secret = (): string =>
      options.clientSecret ?? token.clientSecret ?? missing('clientSecret');
    switch (clientAuthentication) {
      case 'client_secret_basic':
        return oauth.ClientSecretBasic(secret());
      case 'client_secret_post':
        return oauth.ClientSecretPost(secret());
      case 'private_key_jwt':
        return oauth.PrivateKeyJwt(options.privateKey as oauth.CryptoKey);
      case 'none':
        return oauth.None();
    }
  };

  const clientOf = (token: OAuthToken): oauth.Client => ({
    client_id: options.clientId ?? token.clientId ?? missing('clientId'),
  });

  const refresh = async (token: OAuthToken, { signal }: RefreshContext): Promise<object> => {
    const as = await server(signal);
    const { scope } = options;
    const resource = options.resource ?? token.resource;
    const response = await oauth.refreshTokenGrantRequest(
      as,
      clientOf(token),
      authentication(token),
      token.refreshToken ?? '',
      {
        signal,
        additionalParameters: {
          ...(scope === undefined ? {} : { scope }),
          ...(resource === undefined ? {} : { resource }),
        },
        [oauth.allowInsecureRequests]: isLocal(as.token_endpoint),
      },
    );
    return await bodyOf(response);
  };

  return Object.assign(refresh, {
    async revoke(token: OAuthToken, { signal }: RefreshContext): Promise<void> {
      const as = await server(signal);
      const secret = token.refreshToken ?? token.accessToken;
      if (as.revocation_endpoint === undefined || secret === undefined) return;
      const response = await oauth.revocationRequest(
        as,
        clientOf(token),
        authentication(token),
        secret,
        { signal, [oauth.allowInsecureRequests]: isLocal(as.revocation_endpoint) },
      );
      if (!response.ok) throw await failed(response);
      await response.body?.cancel();
    },
  });
}

function missing(name: string): never {
  throw invalidOption(name, 'is missing: give it to oauth2Refresh, or keep it in the record');
}

async function discover(issuer: URL, signal: AbortSignal): Promise<oauth.AuthorizationServer> {
  const ask = (algorithm: 'oidc' | 'oauth2'): Promise<Response> =>
    oauth.discoveryRequest(issuer, {
      algorithm,
      signal,
      [oauth.allowInsecureRequests]: isLocal(issuer.href),
    });
  const response = await ask('oauth2');
  if (response.ok) return await oauth.processDiscoveryResponse(issuer, response);
  await response.body?.cancel();
  return await oauth.processDiscoveryResponse(issuer, await ask('oidc'));
}

/** Not oauth4webapi's own reading: GitHub and Zoho answer errors with 200, others leave token_type out. */
async function bodyOf(response: Response): Promise<object> {
  if (!response.ok) throw await failed(response);
  return (await response.json()) as object;
}

async function failed(response: Response): Promise<Error> {
  // Its text is left out: servers repeat what they were sent.
  const body: unknown = await response.json().catch(() => undefined);
  return Object.assign(new Error(`The provider answered with status ${response.status}.`), {
    body,
    response: { status: response.status, headers: response.headers },
  });
}

/** Loopback addresses may be without TLS: nothing leaves the machine. */
function isLocal(url: string | undefined): boolean {
  return url !== undefined && isLoopback(new URL(url).hostname);
}

function requireOptions(options: OAuth2RefreshOptions): void {
  const names: readonly (keyof OAuth2RefreshOptions)[] = [
    ...(['issuer', 'tokenEndpoint', 'revocationEndpoint', 'clientAuthentication'] as const),
    ...(['clientId', 'clientSecret', 'privateKey', 'resource', 'scope'] as const),
  ];
  requireKnownOptions('oauth2Refresh', options, names, "{ issuer: 'https://...' }");
  if ((options.issuer === undefined) === (options.tokenEndpoint === undefined)) {
    throw invalidOption('issuer', 'or tokenEndpoint has to be given, and not both');
  }
  for (const name of ['issuer', 'tokenEndpoint', 'revocationEndpoint'] as const) {
    const value = options[name];
    if (value !== undefined && !URL.canParse(value)) throw invalidOption(name, 'must be a URL');
  }
  if (options.clientAuthentication === 'private_key_jwt' && options.privateKey === undefined) {
    throw invalidOption('privateKey', 'is missing: private_key_jwt signs with it');
  }
}
