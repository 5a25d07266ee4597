import { describeServer, type FirestoreServer, startFirestore } from '@tokenkeep/test-servers';

// The emulator asks for no credentials; without this the client looks for them on the network.
process.env['METADATA_SERVER_DETECTION'] = 'none';

let server: Promise<FirestoreServer> | undefined;

/**
 * One emulator for all tests that a process runs, as none of them hurts it: to start one takes longer
 * than most of them do. It ends with that process.
 */
export function sharedEmulator(): Promise<FirestoreServer> {
  server ??= startFirestore().then((found) => {
    console.log(describeServer(found));
    return found;
  });
  return server;
}
