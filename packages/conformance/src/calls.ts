import { hrtime } from 'node:process';
import {
  type DeleteOptions,
  OAuthToken,
  type SaveOptions,
  type TokenRecord,
  type TokenStore,
} from '@tokenkeep/core';
import { type PlainRecord, recordOf } from './expectations.ts';
import { causeOfError, codeOf, told } from './failure-cause.ts';
import { PromiseBroken } from './promise-broken.ts';

/** A call of a store as plain data: it can be made up, shrunk, and sent to another process. */
export type Call =
  | { readonly method: 'findToken'; readonly token: TokenRecord }
  | { readonly method: 'findTokenById'; readonly id: string }
  | { readonly method: 'deleteToken'; readonly id: string; readonly options?: DeleteOptions }
  | { readonly method: 'saveToken'; readonly token: TokenRecord; readonly options?: SaveOptions }
  | { readonly method: 'getTokens' | 'tokens' | 'deleteTokens' };

/** How a call ended, as plain data. */
export type Outcome =
  | {
      readonly value: PlainRecord | readonly PlainRecord[] | null;
      readonly refused?: undefined;
      readonly text?: undefined;
      readonly cause?: undefined;
    }
  | {
      /** The code of the error. */
      readonly refused: string;
      /** What the error tells. */
      readonly text: string;
      /** The same for errors that come of one fault. */
      readonly cause: string;
      readonly value?: undefined;
    };

/** A call that was made, and when: milliseconds on a clock that the processes of a machine share. */
export interface MadeCall {
  readonly call: Call;
  readonly outcome: Outcome;
  readonly start: number;
  readonly end: number;
}

/** Now, on a clock that the processes of a machine share: milliseconds. */
export function sharedClock(): number {
  return Number(hrtime.bigint()) / 1e6;
}

/** Makes a call. A failure is an outcome too. */
export async function perform(store: TokenStore, call: Call): Promise<Outcome> {
  try {
    return { value: await given(store, call) };
  } catch (error) {
    if (error instanceof PromiseBroken) throw error;
    return {
      refused: codeOf(error) ?? 'no code',
      text: told(error),
      cause: causeOfError(error),
    };
  }
}

/** Makes a call, and notes when. */
export async function performTimed(store: TokenStore, call: Call): Promise<MadeCall> {
  const start = sharedClock();
  const outcome = await perform(store, call);
  return { call, outcome, start, end: sharedClock() };
}

async function given(
  store: TokenStore,
  call: Call,
): Promise<PlainRecord | readonly PlainRecord[] | null> {
  switch (call.method) {
    case 'findToken': {
      const found = await store.findToken(OAuthToken.fromRecord(call.token));
      return found === null ? null : recordOf(found, 'what findToken gave');
    }
    case 'findTokenById': {
      const found = await store.findTokenById(call.id);
      return found === null ? null : recordOf(found, 'what findTokenById gave');
    }
    case 'saveToken': {
      const token = OAuthToken.fromRecord(call.token);
      const saved = await store.saveToken(token, ...optionsOf(call));
      return recordOf(saved, 'what saveToken gave');
    }
    case 'deleteToken':
      await store.deleteToken(call.id, ...optionsOf(call));
      return null;
    case 'getTokens':
      return (await store.getTokens()).map((token) => recordOf(token, 'what getTokens gave'));
    case 'tokens': {
      const records: PlainRecord[] = [];
      for await (const token of store.tokens?.() ?? []) {
        records.push(recordOf(token, 'what tokens gave'));
      }
      return records;
    }
    case 'deleteTokens':
      await store.deleteTokens();
      return null;
  }
}

/** The options of a call as arguments: none where there are none, as most callers have it. */
function optionsOf<Options>({ options }: { readonly options?: Options }): [] | [Options] {
  return options === undefined ? [] : [options];
}
