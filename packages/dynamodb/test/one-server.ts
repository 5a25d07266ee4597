import { describeServer, startDynamodb } from '@tokenkeep/test-servers';

/**
 * Starts the server that the files of this package share, unless somebody named one: to start it takes
 * a file as long as most of its tests. Who stops or restarts a server has one of its own.
 */
export default async function startServer(): Promise<() => Promise<void>> {
  const server = await startDynamodb();
  console.log(describeServer(server));
  process.env['DYNAMODB_URL'] = server.url;
  return () => server.stop();
}
