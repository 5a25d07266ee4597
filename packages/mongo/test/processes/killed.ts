/**
 * `node killed.ts URL DATABASE STEPS TOKEN`: saves a token (JSON), and kills itself after so many
 * commands that the server carried out.
 */
import { OAuthToken } from '@tokenkeep/core';
import { MongoClient } from 'mongodb';
import { MongoTokenStore } from '../../src/index.ts';

const [uri = '', database = '', steps = '', token = ''] = process.argv.slice(2);
await using client = new MongoClient(uri, { monitorCommands: true });
await using store = new MongoTokenStore({ client, database });
await store.ready();
let left = Number(steps);
const step = () => {
  if (left === 0) process.kill(process.pid, 'SIGKILL');
  left -= 1;
};
step();
client.on('commandSucceeded', step);
await store.saveToken(new OAuthToken(JSON.parse(token)));
