import { createHash } from 'node:crypto';
import { Firestore } from '@google-cloud/firestore';
import { FirestoreTokenStore } from '@tokenkeep/firestore';
import { startFirestore } from '@tokenkeep/test-servers';
import { bareCalls } from '../bare-calls.ts';
import type { Contender } from '../contender.ts';
import { SharedClient } from '../shared-client.ts';
import { fillStore, storeCalls } from '../store-contender.ts';

const server = new SharedClient({
  start: () => startFirestore({ own: true }),
  connect: ({ hostAndPort }) =>
    new Firestore({ projectId: 'tokenkeep-bench', host: hostAndPort, ssl: false }),
  disconnect: (client) => client.terminate(),
});

/**
 * The driver's own calls: a document under its user, found by that or by a query, set by one call.
 * They match nothing, merge nothing and check nothing, and give documents.
 */
const bare = server.contender('bare calls of firestore', async (client, tokens) => {
  const collection = client.collection('bare');
  const of = (name: string) => collection.doc(createHash('sha256').update(name).digest('hex'));
  const statements = {
    findByUser: (name: string) => of(name).get(),
    findByRefreshToken: (token: string) => collection.where('refreshToken', '==', token).get(),
    upsert: (token: (typeof tokens)[number]) => {
      const record = { ...token.toRecord() };
      return () => of(record.userName ?? '').set(record, { merge: true });
    },
  };
  for (const token of tokens) await statements.upsert(token)();
  return { calls: bareCalls(statements, tokens.length), close: () => undefined };
});

export const firestore: Contender = {
  ...server.contender('firestore', async (firestore, tokens) => {
    const store = new FirestoreTokenStore({ firestore });
    await fillStore(store, tokens);
    return { calls: storeCalls(store, tokens.length), close: () => store.close() };
  }),
  bare,
  sizes: [1_000],
};
