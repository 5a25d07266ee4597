import { type FirestoreServer, sharedServer, startFirestore } from '@tokenkeep/test-servers';

// The emulator asks for no credentials; without this the client looks for them on the network.
process.env['METADATA_SERVER_DETECTION'] = 'none';

export const sharedEmulator: () => Promise<FirestoreServer> = sharedServer(startFirestore);
