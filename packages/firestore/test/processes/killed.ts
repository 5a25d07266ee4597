/** Kills itself at a step (see `saveUntilKilled`): a call of the client is sent, or its answer has come. */
import { setTimeout as wait } from 'node:timers/promises';
import { DocumentReference, Firestore, Query, WriteBatch } from '@google-cloud/firestore';
import { saveUntilKilled } from '@tokenkeep/load-checks';
import { FirestoreTokenStore } from '../../src/index.ts';

/** Milliseconds: the client sends a call some turns after it was made. */
const UNTIL_SENT = 2;

await saveUntilKilled(([host = '', collection = ''], step) => {
  const counted = <Values extends unknown[], Answer>(
    call: (...values: Values) => Promise<Answer>,
  ): ((...values: Values) => Promise<Answer>) =>
    async function (this: unknown, ...values) {
      const answer = call.apply(this, values);
      await wait(UNTIL_SENT);
      step();
      try {
        return await answer;
      } finally {
        step();
      }
    };
  Query.prototype.get = counted(Query.prototype.get);
  DocumentReference.prototype.get = counted(DocumentReference.prototype.get);
  WriteBatch.prototype.commit = counted(WriteBatch.prototype.commit);
  Firestore.prototype.getAll = counted(Firestore.prototype.getAll);
  const options = { projectId: 'tokenkeep-test', host, ssl: false };
  return new FirestoreTokenStore({ options, collection });
});
