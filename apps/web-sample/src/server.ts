/** One of the three processes: `server.ts ORDER`. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { getRequestListener } from '@hono/node-server';
import { oauth2Refresh, TokenKeeper } from '@tokenkeep/keeper';
import { SqliteTokenStore } from '@tokenkeep/sqlite';
import { Accounts, type Provider } from './accounts.ts';
import { appFor } from './app.ts';

export interface Order {
  readonly provider: Provider;
  readonly database: string;
  /** `0`: one that the system chooses. */
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
// The app has to know the port that it is asked on: the provider sends its users back there.
const server = createServer().listen(port, '127.0.0.1');
await once(server, 'listening');
const listening = (server.address() as AddressInfo).port;
const app = appFor(new Accounts(provider, store, keeper), listening);
server.on('request', getRequestListener(app.fetch));
process.send?.(listening);
process.once('disconnect', () => {
  server.close();
  void keeper.close().then(() => store.close());
});
