/**
 * A program that calls the provider's API through a keeper, whenever it is told to: `caller.ts
 * OPENING`. The tests start it in several processes.
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

/** The store that a process opens. */
export interface Opening {
  readonly module: string;
  readonly name: string;
  readonly place: Parameters<TokenStoreDefinition['open']>[0];
  readonly mishap?: Mishap | undefined;
}

/** Calls to make, all at once, through a keeper of their own. */
export interface Calls {
  readonly count: number;
  readonly userName: string;
  readonly tokenEndpoint: string;
  readonly api: string;
  /** Milliseconds. */
  readonly timeLimit: number;
}

/** What became of one call: the status of the API, or the code of an error. */
export type Result = number | string;

const opening: Opening = JSON.parse(process.argv[2] ?? '');
const exported: Record<string, TokenStoreDefinition> = await import(opening.module);
const definition = Object.values(exported).find(({ name }) => name === opening.name);
if (definition === undefined) throw new Error(`${opening.module} has no ${opening.name}`);
const store = await definition.open(opening.place);

let { mishap } = opening;
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

async function make({ count, userName, tokenEndpoint, api, timeLimit }: Calls): Promise<Result[]> {
  const send = oauth2Refresh({ tokenEndpoint });
  const refresh: Refresher = async (token, context) => {
    const answer = await send(token, context);
    happens('answered');
    return answer;
  };
  const keeper = new TokenKeeper({ store, refresh, timeLimit });
  const fetch = keeper.fetch({ userName, clientId: 'client' });
  const call = async (): Promise<Result> => {
    try {
      const response = await fetch(api);
      await response.body?.cancel();
      return response.status;
    } catch (error) {
      const isKnown = error instanceof Error && 'code' in error;
      return isKnown ? String(error.code) : String(error);
    }
  };
  return await Promise.all(Array.from({ length: count }, call));
}

// The number tells the answer from those of other scenarios, which run at the same time.
process.on('message', async ({ number, calls }: { number: number; calls: Calls }) => {
  process.send?.({ number, results: await make(calls) });
});
process.on('disconnect', () => void store.close());
process.send?.('ready');
