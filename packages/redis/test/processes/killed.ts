/** Kills itself at a step (see `saveUntilKilled`): a command is sent, or its reply has come. */
import { saveUntilKilled } from '@tokenkeep/load-checks';
import { Redis } from 'ioredis';
import { RedisTokenStore } from '../../src/index.ts';

const [, , , , url = ''] = process.argv;
const redis = new Redis(url, { replyMapping: 'legacy', maxRetriesPerRequest: 0 });
await saveUntilKilled(([, prefix = ''], step) => {
  const client = {
    async call(command: string, args: string[]) {
      const reply = redis.call(command, args);
      step();
      await reply.catch(() => {});
      step();
      return reply;
    },
  };
  return new RedisTokenStore({ client, prefix });
});
redis.disconnect();
