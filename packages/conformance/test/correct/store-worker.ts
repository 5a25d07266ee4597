// The thread that keeps the records of a WorkerTokenStore.
import { parentPort } from 'node:worker_threads';
import {
  InvalidTokenError,
  OAuthToken,
  TokenConflictError,
  type TokenRecord,
  TokenStoreError,
  type TokenStoreErrorCode,
} from '@tokenkeep/core';
import { PlainTokenStore } from '../broken/plain-token-store.ts';
import { MemoryShelf } from '../broken/shelf.ts';

/** A call of the store, as a message. */
export interface WorkerQuestion {
  readonly number: number;
  readonly method:
    | 'findToken'
    | 'findTokenById'
    | 'saveToken'
    | 'deleteToken'
    | 'getTokens'
    | 'deleteTokens';
  readonly args: readonly unknown[];
}

/** How a call ended, as a message. */
export interface WorkerAnswer {
  readonly number: number;
  readonly value?: unknown;
  readonly failed?: {
    readonly code: TokenStoreErrorCode;
    readonly message: string;
    readonly field?: string;
    readonly currentVersion?: number;
  };
}

const store = new PlainTokenStore(new MemoryShelf());

async function answerTo({ method, args }: WorkerQuestion): Promise<unknown> {
  const [first, ...rest] = args;
  const isToken = method === 'findToken' || method === 'saveToken';
  const argument = isToken ? OAuthToken.fromRecord(first as TokenRecord) : first;
  const given: unknown = await Reflect.apply(store[method], store, [argument, ...rest]);
  if (Array.isArray(given)) return given.map((token: OAuthToken) => token.toRecord());
  return given instanceof OAuthToken ? given.toRecord() : (given ?? null);
}

function failed(error: unknown): NonNullable<WorkerAnswer['failed']> {
  if (!(error instanceof TokenStoreError)) return { code: 'STORAGE_FAILED', message: 'It failed.' };
  const { code } = error;
  if (error instanceof InvalidTokenError) {
    const { field } = error;
    return { code, message: error.message.replace(`${field} `, ''), field };
  }
  const version = error instanceof TokenConflictError ? error.currentVersion : undefined;
  const { message } = error;
  return { code, message, ...(version === undefined ? {} : { currentVersion: version }) };
}

parentPort?.on('message', (question: WorkerQuestion) => {
  const { number } = question;
  answerTo(question).then(
    (value) => parentPort?.postMessage({ number, value } satisfies WorkerAnswer),
    (error) => parentPort?.postMessage({ number, failed: failed(error) } satisfies WorkerAnswer),
  );
});
