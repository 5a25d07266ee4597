/**
 * A program that uses one of the real SDKs, as a user of tokenkeep writes it. The tests start it in
 * a process of its own, because the SDKs keep one current user and a cache per process.
 */
import { inspect } from 'node:util';
import type { OAuthToken } from '@tokenkeep/core';
import { unsavedToken, zohoTokenStore } from '@tokenkeep/zoho';
import { openStore } from './stores.ts';

type Sdk = typeof import('@zohocrm/typescript-sdk-8.0');
type SdkToken = InstanceType<Sdk['OAuthToken']>;

/** What the program starts with, as JSON in its only argument. */
export interface ProgramSettings {
  sdk: string;
  url: string;
  accountsUrl: string;
  store: string;
  retryDelays?: number[];
}

/** What the program says who it is: what a user passes to the SDK's `OAuthBuilder`. */
export interface Login {
  id?: string;
  userName?: string;
  clientId?: string;
  clientSecret?: string;
  redirectUrl?: string;
  grantToken?: string;
  refreshToken?: string;
  accessToken?: string;
  findUser?: boolean;
}

/** What the SDK's token object holds. */
export interface SeenToken {
  id: string | null;
  userName: string | null;
  clientId: string | null;
  clientSecret: string | null;
  redirectUrl: string | null;
  grantToken: string | null;
  refreshToken: string | null;
  accessToken: string | null;
  expiresIn: string | null;
  apiDomain: string | null;
}

const settings: ProgramSettings = JSON.parse(process.argv[2] ?? '{}');
const sdk: Sdk = await import(settings.sdk);
const { retryDelays = [] } = settings;
const store = openStore(settings.store);
const bridge = zohoTokenStore(store, sdk, { retryDelays });
const environment = new sdk.Environment(settings.url, settings.accountsUrl, settings.url);
let token: SdkToken;
let unsaved: OAuthToken | undefined;

function build(login: Login): SdkToken {
  const builder = new sdk.OAuthBuilder();
  if (login.id !== undefined) builder.id(login.id);
  if (login.userName !== undefined) {
    builder.userSignature(new sdk.UserSignature(login.userName));
  }
  if (login.clientId !== undefined) builder.clientId(login.clientId);
  if (login.clientSecret !== undefined) builder.clientSecret(login.clientSecret);
  if (login.redirectUrl !== undefined) builder.redirectURL(login.redirectUrl);
  if (login.grantToken !== undefined) builder.grantToken(login.grantToken);
  if (login.refreshToken !== undefined) builder.refreshToken(login.refreshToken);
  if (login.accessToken !== undefined) builder.accessToken(login.accessToken);
  if (login.findUser !== undefined) builder.findUser(login.findUser);
  return builder.build();
}

function seen(it: SdkToken): SeenToken {
  return {
    id: it.getId() ?? null,
    userName: it.getUserSignature()?.getName() ?? null,
    clientId: it.getClientId() ?? null,
    clientSecret: it.getClientSecret() ?? null,
    redirectUrl: it.getRedirectURL() ?? null,
    grantToken: it.getGrantToken() ?? null,
    refreshToken: it.getRefreshToken() ?? null,
    accessToken: it.getAccessToken() ?? null,
    expiresIn: it.getExpiresIn() ?? null,
    apiDomain: it.getAPIDomain() ?? null,
  };
}

const commands = {
  async initialize(login: Login): Promise<SeenToken> {
    token = build(login);
    const builder = await new sdk.InitializeBuilder();
    await builder.environment(environment).token(token).store(bridge).initialize();
    return seen(token);
  },

  async switchUser(login: Login): Promise<SeenToken> {
    token = build(login);
    const builder = await new sdk.InitializeBuilder();
    await builder.environment(environment).token(token).switchUser();
    return seen(token);
  },

  /** Calls the CRM API, and says whose answer came. */
  async currentUser(): Promise<string> {
    const parameters = new sdk.ParameterMap();
    await parameters.add(sdk.Users.GetUsersParam.TYPE, 'CurrentUser');
    const response = await new sdk.Users.UsersOperations().getUsers(parameters);
    const answer = response?.getObject();
    if (answer instanceof sdk.Users.ResponseWrapper) {
      return answer.getUsers()[0]?.getEmail() ?? 'nobody';
    }
    return `status ${response?.getStatusCode()}`;
  },

  /** So many calls of the API at once. */
  async calls(count: number): Promise<string[]> {
    const user = () => commands.currentUser().catch((error: unknown) => String(error));
    return await Promise.all(Array.from({ length: count }, user));
  },

  /** Asks all at once who the current user is, each as another one. */
  async asUsers(names: readonly string[]): Promise<string[]> {
    const ask = (userName: string) =>
      bridge.withUser(build({ userName }), () => commands.currentUser());
    return await Promise.all(names.map(ask));
  },

  async revokeInStore(id: string): Promise<void> {
    await bridge.revoke(id);
  },

  async purge(olderThan: number): Promise<number> {
    return await bridge.purge({ olderThan: new Date(olderThan) });
  },

  async remove(): Promise<boolean> {
    return token.remove();
  },

  async revoke(id: string): Promise<boolean | undefined> {
    return token.revoke(id);
  },

  async saveAgain(): Promise<SeenToken> {
    if (unsaved === undefined) throw new Error('nothing was left unsaved');
    const { id } = await store.saveToken(unsaved);
    return seen(await bridge.findTokenById(id ?? ''));
  },

  async findById(id: string): Promise<SeenToken> {
    return seen(await bridge.findTokenById(id));
  },

  async tokens(): Promise<SeenToken[]> {
    return (await bridge.getTokens()).map(seen);
  },
};

export type Commands = typeof commands;

interface Message {
  name: keyof Commands;
  parameters: never[];
}

process.on('message', async ({ name, parameters }: Message) => {
  try {
    const command: (...parameters: never[]) => unknown = commands[name];
    process.send?.({ result: await command(...parameters) });
  } catch (error) {
    unsaved = unsavedToken(error);
    process.send?.({ error: describe(error) });
  }
});

/** What a user sees of an error: its class, and all that its message, cause and text say. */
function describe(error: unknown): string {
  const kind = error instanceof sdk.SDKException ? 'SDKException' : 'another error';
  return `${kind}: ${String(error)}\n${inspect(error, { depth: 5 })}`;
}
