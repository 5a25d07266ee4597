import {
  findProgram,
  launchRedis,
  othersRedis,
  programLauncher,
  type RedisOptions,
  type RedisServer,
} from './redis.ts';
import { firstThatWorks, NamedInEnvironment } from './ways.ts';

/**
 * Starts a Valkey server: the one in `VALKEY_URL`, or a program on this machine (the installed
 * `valkey-server`, else Valkey 8 out of Debian's packages).
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`
 */
export async function startValkey(options: RedisOptions = {}): Promise<RedisServer> {
  return firstThatWorks('Valkey', [
    new NamedInEnvironment('VALKEY_URL', 'redis://host:port', options, (url, lifecycle) =>
      othersRedis(url, lifecycle, options),
    ),
    {
      advice: 'install valkey-server, or run on Debian, where it is fetched',
      start: async () => {
        const program = await findProgram('valkey-server', 'trixie');
        return program && launchRedis(programLauncher(program), options);
      },
    },
  ]);
}
