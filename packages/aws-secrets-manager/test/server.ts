import { describeServer, type MotoServer, startMoto } from '@tokenkeep/test-servers';

let server: Promise<MotoServer> | undefined;

/**
 * One server for all tests that a process runs, as none of them hurts it: to start one takes longer
 * than most of them do. It ends with that process.
 */
export function sharedServer(): Promise<MotoServer> {
  server ??= startMoto().then((found) => {
    console.log(describeServer(found));
    return found;
  });
  return server;
}
