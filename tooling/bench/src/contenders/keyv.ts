import { Keyv, type KeyvStoreAdapter } from 'keyv';
import type { Runner } from '../contender.ts';
import { someUser, tokenOf, userName } from '../tokens.ts';

type Tokens = readonly ReturnType<typeof tokenOf>[];

/**
 * Keyv, a store of values under one key each: what many keep tokens in. It is given the record under
 * its user's name. There is no other way to find it, and a save overwrites what is there.
 */
export async function keyvRunner(adapter: KeyvStoreAdapter, tokens: Tokens): Promise<Runner> {
  const keyv = new Keyv({ store: adapter, throwOnErrors: true });
  const save = (token: Tokens[number]) => {
    const record = token.toRecord();
    return () => keyv.set(String(record.userName), record);
  };
  for (const token of tokens) await save(token)();
  return {
    calls: {
      findByUser: (turn) => {
        const name = userName(someUser(turn, tokens.length));
        return () => keyv.get(name);
      },
      saveExisting: (turn) => {
        const token = tokenOf(someUser(turn, tokens.length));
        return save(token.with({ accessToken: `1000.renewed.${turn}` }));
      },
      saveNew: (turn) => save(tokenOf(tokens.length + turn)),
    },
    close: () => keyv.disconnect(),
  };
}
