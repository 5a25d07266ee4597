import { createHash } from 'node:crypto';
import { Firestore } from '@google-cloud/firestore';
import { FirestoreTokenStore } from '@tokenkeep/firestore';
import { startFirestore } from '@tokenkeep/test-servers';
import { bareCalls } from '../bare-calls.ts';
import type { Contender } from '../contender.ts';
import { SharedServer } from '../shared-server.ts';
import { fillStore, storeCalls } from '../store-contender.ts';

const server = new SharedServer(() => startFirestore({ own: true }));

const settings = (host: string) => ({ projectId: 'tokenkeep-bench', host, ssl: false });

/**
 * The driver's own calls: a document under its user, found by that or by a query, set by one call.
 * They match nothing, merge nothing and check nothing, and give documents.
 */
const bare = server.contender('bare calls of firestore', async ({ hostAndPort }, tokens) => {
  const client = new Firestore(settings(hostAndPort));
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
  return { calls: bareCalls(statements, tokens.length), close: () => client.terminate() };
});

export const firestore: Contender = {
  ...server.contender('firestore', async ({ hostAndPort }, tokens) => {
    const store = new FirestoreTokenStore({ settings: settings(hostAndPort) });
    await fillStore(store, tokens);
    return { calls: storeCalls(store, tokens.length), close: () => store.close() };
  }),
  bare,
  sizes: [1_000],
};
