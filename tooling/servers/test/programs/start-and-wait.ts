/** Starts servers, tells their ports, and waits to be killed. */
import { startMariadb, startMongo, startRedis } from '../../src/index.ts';

const servers = await Promise.all([
  startMariadb({ own: true }),
  startRedis({ own: true }),
  startMongo({ own: true }),
]);
console.log(JSON.stringify(servers.map((server) => server.port)));
setInterval(() => {}, 60_000);
