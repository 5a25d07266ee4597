/**
 * A program that calls the provider's API through a keeper: `caller.ts ORDER`. The tests start it in
 * several processes at once.
 */
import process from 'node:process';
import type { TokenStoreDefinition } from '@tokenkeep/conformance';
import type { TokenStore } from '@tokenkeep/core';
import { oauth2Refresh, type Refresher, TokenKeeper } from '@tokenkeep/keeper';

/** What a process does to itself, and when. */
export interface Mishap {
  readonly signal: 'SIGKILL' | 'SIGSTOP';
  /** When it has the lease, or when it has the provider's answer, and has stored nothing. */
  readonly when: 'leased' | 'answered';
}

export interface Order {
  readonly module: string;
  readonly name: string;
  readonly place: Parameters<TokenStoreDefinition['open']>[0];
  readonly tokenEndpoint: string;
  readonly api: string;
  readonly timeLimit: number;
  readonly mishap?: Mishap | undefined;
}

/** What became of one call: the status of the API, or the code of an error. */
export type Result = number | string;

const order: Order = JSON.parse(process.argv[2] ?? '');
const exported: Record<string, TokenStoreDefinition> = await import(order.module);
const definition = Object.values(exported).find(({ name }) => name === order.name);
if (definition === undefined) throw new Error(`${order.module} has no definition ${order.name}`);
const store = await definition.open(order.place);

let { mishap } = order;
function happens(when: Mishap['when']): void {
  if (mishap?.when !== when) return;
  const { signal } = mishap;
  mishap = undefined;
  process.kill(process.pid, signal);
}

function mishapsIn(opened: TokenStore): void {
  const save = opened.saveToken.bind(opened);
  opened.saveToken = async (token, options) => {
    const saved = await save(token, options);
    if (token.lease !== undefined) happens('leased');
    return saved;
  };
}

mishapsIn(store);
const send = oauth2Refresh({ tokenEndpoint: order.tokenEndpoint });
const refresh: Refresher = async (token, context) => {
  const answer = await send(token, context);
  happens('answered');
  return answer;
};
const keeper = new TokenKeeper({ store, refresh, timeLimit: order.timeLimit });
const fetch = keeper.fetch({ userName: 'ada', clientId: 'client' });

async function call(): Promise<Result> {
  try {
    const response = await fetch(order.api);
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    const isKnown = error instanceof Error && 'code' in error;
    return isKnown ? String(error.code) : String(error);
  }
}

// So that all begin at once, and not as they happen to be ready.
process.on('message', async (calls: number) => {
  const results = await Promise.all(Array.from({ length: calls }, call));
  process.send?.(results);
});
process.on('disconnect', () => void store.close());
process.send?.('ready');
