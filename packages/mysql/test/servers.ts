import { type SqlServer, sharedServer, startMariadb, startMysql } from '@tokenkeep/test-servers';

export const sharedMariadb: () => Promise<SqlServer> = sharedServer(startMariadb);
export const sharedMysql: () => Promise<SqlServer> = sharedServer(startMysql);
