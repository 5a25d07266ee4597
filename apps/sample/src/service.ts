import { resolve } from 'node:path';
import { startZohoServer } from '@tokenkeep/zoho-server';
import * as sdk from '@zohocrm/typescript-sdk-8.0';

/** The accounts and CRM servers that the sample talks to, and who it is to them. */
export interface Service {
  /** What to tell the user. */
  readonly name: string;
  readonly environment: sdk.Environment;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The grant token of the settings, where there is one. */
  readonly grantToken: string | undefined;
  /** Gets a grant token: what a user's login in the browser would give. */
  logIn(): string;
  /** What the accounts server has done since the sample was started, if it tells. */
  report(): string | undefined;
  close(): Promise<void>;
}

/**
 * The real service if `ZOHO_CLIENT_ID` is set, else a stand-in on this machine.
 *
 * @throws Error which names the setting that is missing or wrong
 */
export async function connect(settings: NodeJS.ProcessEnv): Promise<Service> {
  return settings['ZOHO_CLIENT_ID'] ? await realService(settings) : await standIn(settings);
}

async function realService(settings: NodeJS.ProcessEnv): Promise<Service> {
  const required = (name: string): string => {
    const value = settings[name];
    if (value) return value;
    throw new Error(`ZOHO_CLIENT_ID is set, so the real service is meant: set ${name} too.`);
  };
  const dataCenter = required('ZOHO_DATA_CENTER').toLowerCase();
  const environment = await sdk.DataCenter.get(dataCenter);
  if (environment === null) {
    throw new Error('ZOHO_DATA_CENTER must be one of: us, eu, in, cn, au, jp, ca, sa.');
  }
  return {
    name: `Zoho's data center ${dataCenter} (${environment.getUrl()})`,
    environment,
    clientId: required('ZOHO_CLIENT_ID'),
    clientSecret: required('ZOHO_CLIENT_SECRET'),
    grantToken: settings['ZOHO_GRANT_TOKEN'],
    logIn: () => required('ZOHO_GRANT_TOKEN'),
    report: () => undefined,
    close: async () => {},
  };
}

/** In seconds. The SDK refreshes 5 seconds before the end, and nobody wants to wait for an hour. */
const firstLifetime = 6;

async function standIn(settings: NodeJS.ProcessEnv): Promise<Service> {
  const clientId = 'sample-client';
  const clientSecret = 'sample-secret';
  const server = await startZohoServer({
    clients: { [clientId]: clientSecret },
    // The next start is to find that its tokens are still good.
    stateFile: resolve(import.meta.dirname, '..', settings['STAND_IN_STATE'] ?? 'stand-in.json'),
  });
  return {
    name: `a stand-in for Zoho on this machine (${server.url}); nothing leaves it`,
    environment: new sdk.Environment(server.url, server.accountsUrl, server.url),
    clientId,
    clientSecret,
    grantToken: undefined,
    logIn: () => server.issueGrant({ user: 'ada@example.com', lifetime: firstLifetime }),
    report() {
      const { exchanges, refreshes, apiCalls, refused } = server.counts;
      return `logins: ${exchanges}, refreshes: ${refreshes}, API calls: ${apiCalls}, refused: ${refused}`;
    },
    close: () => server.stop(),
  };
}
