import {
  type PostgresServer,
  sharedServer,
  startEmbeddedPostgres,
  startPostgres,
} from '@tokenkeep/test-servers';

export const sharedPostgres: () => Promise<PostgresServer> = sharedServer(startPostgres);
export const sharedEmbeddedPostgres: () => Promise<PostgresServer> =
  sharedServer(startEmbeddedPostgres);
