import { startContainer } from './container.ts';
import { SQL_PASSWORD, type SqlServer, sqlServerAt, sqlUrl, sqlVariable } from './sql-server.ts';
import type { StartOptions } from './test-server.ts';

/** Starts an official image of MySQL or MariaDB; `undefined` where there is no Docker. */
export async function startSqlContainer(
  image: string,
  options: StartOptions,
): Promise<SqlServer | undefined> {
  const container = await startContainer({
    image,
    // The images' own start scripts make the account; MariaDB's knows this name as well.
    environment: { MYSQL_ROOT_PASSWORD: SQL_PASSWORD },
    command: ['--max-connections=500', ...(options.args ?? [])],
    port: 3306,
    ready: async ({ host, port }) => (await sqlVariable(sqlUrl(port, host), 'version')) !== '',
  });
  return container && sqlServerAt(sqlUrl(container.port, container.host), container.lifecycle);
}
