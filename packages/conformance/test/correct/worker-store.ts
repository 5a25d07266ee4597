import type { Worker } from 'node:worker_threads';
import {
  AmbiguousTokenError,
  type DeleteOptions,
  InvalidTokenError,
  OAuthToken,
  type SaveOptions,
  TokenConflictError,
  type TokenRecord,
  type TokenStore,
  TokenStoreError,
} from '@tokenkeep/core';
import type { WorkerAnswer, WorkerQuestion } from './store-worker.ts';

/** A store whose records live in a worker thread: every call is a message there and one back. */
export class WorkerTokenStore implements TokenStore {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, (answer: WorkerAnswer) => void>();
  #count = 0;
  #closing: Promise<void> | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', this.#heard);
  }

  async findToken(token: OAuthToken): Promise<OAuthToken | null> {
    this.#requireOpen('findToken');
    return asToken(await this.#ask('findToken', recordOf(token, 'findToken')));
  }

  async findTokenById(id: string): Promise<OAuthToken | null> {
    this.#requireOpen('findTokenById');
    return asToken(await this.#ask('findTokenById', plain(id, 'findTokenById')));
  }

  async saveToken(token: OAuthToken, options?: SaveOptions): Promise<OAuthToken> {
    this.#requireOpen('saveToken');
    const record = recordOf(token, 'saveToken');
    const saved = asToken(await this.#ask('saveToken', record, ...present(options, 'saveToken')));
    if (saved === null) throw new TypeError('the worker gave nothing');
    return saved;
  }

  async deleteToken(id: string, options?: DeleteOptions): Promise<void> {
    this.#requireOpen('deleteToken');
    await this.#ask('deleteToken', plain(id, 'deleteToken'), ...present(options, 'deleteToken'));
  }

  async getTokens(): Promise<OAuthToken[]> {
    this.#requireOpen('getTokens');
    const records = await this.#ask('getTokens');
    return (records as TokenRecord[]).map((record) => OAuthToken.fromRecord(record));
  }

  async deleteTokens(): Promise<void> {
    this.#requireOpen('deleteTokens');
    await this.#ask('deleteTokens');
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    while (this.#waiting.size > 0) await new Promise((resolve) => setImmediate(resolve));
    this.#worker.off('message', this.#heard);
    this.#worker.unref();
  }

  #requireOpen(operation: string): void {
    if (this.#closing === undefined) return;
    throw new TokenStoreError('STORE_CLOSED', 'The store was closed.', { operation });
  }

  readonly #heard = (answer: WorkerAnswer): void => {
    this.#waiting.get(answer.number)?.(answer);
  };

  async #ask(method: WorkerQuestion['method'], ...args: unknown[]): Promise<unknown> {
    nextNumber += 1;
    const number = nextNumber;
    this.#count += 1;
    this.#worker.ref();
    const answer = await new Promise<WorkerAnswer>((resolve) => {
      this.#waiting.set(number, resolve);
      this.#worker.postMessage({ number, method, args } satisfies WorkerQuestion);
    });
    this.#waiting.delete(number);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (answer.failed === undefined) return answer.value;
    throw asError(method, answer.failed);
  }
}

/** Handles share a worker, and each hears the answers of all. */
let nextNumber = 0;

function asError(operation: string, failed: NonNullable<WorkerAnswer['failed']>): TokenStoreError {
  const { code, message, field, currentVersion } = failed;
  if (code === 'INVALID_TOKEN')
    return new InvalidTokenError(field ?? 'token', message, { operation });
  if (code === 'AMBIGUOUS_TOKEN') return new AmbiguousTokenError(message, { operation });
  if (code === 'VERSION_CONFLICT' || code === 'TOKEN_CONFLICT') {
    return new TokenConflictError(code, message, {
      operation,
      ...(currentVersion === undefined ? {} : { currentVersion }),
    });
  }
  return new TokenStoreError(code, message, { operation });
}

function asToken(record: unknown): OAuthToken | null {
  return record === null ? null : OAuthToken.fromRecord(record as TokenRecord);
}

function recordOf(token: OAuthToken, operation: string): TokenRecord {
  return withOperation(operation, () => OAuthToken.from(token).toRecord());
}

/** What can be sent to another thread: a copy, made before anything is awaited. */
function plain(value: unknown, operation: string): unknown {
  return withOperation(operation, () => {
    try {
      return structuredClone(value);
    } catch {
      throw new InvalidTokenError('arguments', 'can not be sent');
    }
  });
}

function present(options: unknown, operation: string): unknown[] {
  return options === undefined ? [] : [plain(options, operation)];
}

function withOperation<T>(operation: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TokenStoreError) error.operation = operation;
    throw error;
  }
}
