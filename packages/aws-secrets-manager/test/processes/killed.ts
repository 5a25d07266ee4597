/** Kills itself at a step (see `saveUntilKilled`): a request is sent, or its answer has come. */
import { setTimeout as wait } from 'node:timers/promises';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { saveUntilKilled } from '@tokenkeep/load-checks';
import { AwsSecretsManagerTokenStore } from '../../src/index.ts';
import { configFor } from '../config-for.ts';

/** Milliseconds: the client sends a request some turns after it was made. */
const UNTIL_SENT = 2;

await saveUntilKilled(([url = '', secret = ''], step) => {
  const client = new SecretsManagerClient(configFor(url));
  return new AwsSecretsManagerTokenStore({
    secret,
    client: {
      async send(command, options) {
        const answer = client.send(command, options);
        await wait(UNTIL_SENT);
        step();
        try {
          return await answer;
        } finally {
          step();
        }
      },
    },
  });
});
