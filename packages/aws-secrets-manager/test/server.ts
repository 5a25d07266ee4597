import { type MotoServer, sharedServer, startMoto } from '@tokenkeep/test-servers';

export const sharedMoto: () => Promise<MotoServer> = sharedServer(startMoto);
