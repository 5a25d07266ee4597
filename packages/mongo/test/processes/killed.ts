/** Kills itself at a step (see `saveUntilKilled`): the server has carried out a command. */
import { saveUntilKilled } from '@tokenkeep/load-checks';
import { MongoClient } from 'mongodb';
import { MongoTokenStore } from '../../src/index.ts';

const [, , , , uri = ''] = process.argv;
await using client = new MongoClient(uri, { monitorCommands: true });
await saveUntilKilled(([, database = ''], step) => {
  client.on('commandSucceeded', step);
  return new MongoTokenStore({ client, database });
});
