/** One of the three processes: `server.ts ORDER`. */
import process from 'node:process';
import { serve } from '@hono/node-server';
import { oauth2Refresh, TokenKeeper } from '@tokenkeep/keeper';
import { SqliteTokenStore } from '@tokenkeep/sqlite';
import { Accounts, type Provider } from './accounts.ts';
import { appFor } from './app.ts';

export interface Order {
  readonly provider: Provider;
  readonly database: string;
  readonly port: number;
}

const { provider, database, port }: Order = JSON.parse(process.argv[2] ?? '');
const { tokenEndpoint, revocationEndpoint } = provider;
const store = new SqliteTokenStore({ path: database });
const keeper = new TokenKeeper({
  store,
  refresh: oauth2Refresh({
    tokenEndpoint,
    revocationEndpoint,
    clientAuthentication: 'client_secret_post',
  }),
});
const server = serve({
  fetch: appFor(new Accounts(provider, store, keeper), port).fetch,
  hostname: '127.0.0.1',
  port,
});
server.once('listening', () => process.send?.('listening'));
process.once('disconnect', () => {
  server.close();
  void keeper.close().then(() => store.close());
});
