import { describeServer, type SqlServer, startMariadb, startMysql } from '@tokenkeep/test-servers';

/**
 * One server of a kind for all tests that a process runs and that don't hurt it, each in databases of
 * its own. They end with that process.
 */
export const sharedMariadb: () => Promise<SqlServer> = shared(startMariadb);
export const sharedMysql: () => Promise<SqlServer> = shared(startMysql);

function shared(start: () => Promise<SqlServer>): () => Promise<SqlServer> {
  let server: Promise<SqlServer> | undefined;
  return () => {
    server ??= start().then((found) => {
      console.log(describeServer(found));
      return found;
    });
    return server;
  };
}
