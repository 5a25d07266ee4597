import { OthersServer } from './lifecycle.ts';
import {
  findProgram,
  type RedisOptions,
  type RedisServer,
  redisServerAt,
  startRedisProgram,
} from './redis.ts';
import { firstThatWorks } from './ways.ts';

/**
 * Starts a Valkey server: the one in `VALKEY_URL`, or a program on this machine (the installed
 * `valkey-server`, else Valkey 8 out of Debian's packages).
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`
 */
export async function startValkey(options: RedisOptions = {}): Promise<RedisServer> {
  return firstThatWorks('Valkey', [
    {
      advice: 'set VALKEY_URL=redis://host:port',
      start: async () => {
        const url = process.env['VALKEY_URL'];
        return url && !options.own ? redisServerAt(url, new OthersServer('VALKEY_URL')) : undefined;
      },
    },
    {
      advice: 'install valkey-server, or run on Debian, where it is fetched',
      start: async () => {
        const program = await findProgram('valkey-server', 'trixie');
        return program && startRedisProgram(program, options);
      },
    },
  ]);
}
