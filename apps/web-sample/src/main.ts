/** The provider, and three processes of the app on one SQLite file. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { startOAuthProvider } from '@tokenkeep/oauth-provider';
import { SECRETS } from './accounts.ts';
import type { Order } from './server.ts';

const firstPort = Number(process.env['PORT'] ?? 3_000);
const database = resolve(import.meta.dirname, '..', process.env['DATABASE'] ?? 'tokens.db');

// It gives each refresh token once, and ends the whole login when one comes again. Access tokens
// live for twenty seconds, so that there is something to see.
const provider = await startOAuthProvider({ rotation: 'revokes', lifetime: 20, clients: SECRETS });
const { url, tokenEndpoint, revocationEndpoint, api } = provider;
const processes = await Promise.all(
  [0, 1, 2].map(async (number) => {
    const port = firstPort === 0 ? 0 : firstPort + number;
    const order: Order = {
      provider: { issuer: url, tokenEndpoint, revocationEndpoint, api },
      database,
      port,
    };
    const program = fileURLToPath(new URL('server.ts', import.meta.url));
    const child = fork(program, [JSON.stringify(order)]);
    const [listening] = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => {
        throw new Error(`The process for port ${port} has ended: set PORT to a free one.`);
      }),
    ]);
    return { child, port: listening as number };
  }),
);
console.log(
  'A provider that revokes a login when a refresh token comes twice, on this machine, and',
);
console.log('three processes of one app, on one SQLite file:');
for (const { port } of processes) console.log(`  http://127.0.0.1:${port}`);
console.log('Its logins end with it. Ctrl+C ends all.');

const report = setInterval(() => {
  const { exchanges, refreshes, refusedRefreshes, apiCalls } = provider.counts;
  const line = `logins: ${exchanges}, refreshes: ${refreshes}, refused: ${refusedRefreshes}, API calls: ${apiCalls}, logins revoked: ${provider.familiesRevoked}`;
  if (line !== lastLine) console.log(line);
  lastLine = line;
}, 250);
let lastLine = '';

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    clearInterval(report);
    for (const { child } of processes) if (child.connected) child.disconnect();
    void provider.stop();
  });
}
