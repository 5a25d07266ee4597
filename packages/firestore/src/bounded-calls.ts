import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import type { Settings, WriteBatch, WriteResult } from '@google-cloud/firestore';
import { Deadline, STALE } from '@tokenkeep/core/adapter/server';
import { isLostRace, statusName } from './errors.ts';

/** A call as `callInvocationTransformer`, an option of `@grpc/grpc-js`, is given it. */
interface GrpcCall {
  readonly call: EventEmitter;
  readonly callOptions: object;
  /** Of calls with one answer; the others emit their error. */
  readonly callback?: (error: Error | null, answer?: unknown) => void;
}

/**
 * Bounds what a step may still do after it was given up.
 *
 * The client sends again what fails, for ten minutes: a commit, too, which may be done already (its
 * answer was lost) or given up by whoever asked for it. A call of a client of ours ends when its
 * step does, on the server as well, and a commit is sent once.
 */
export class BoundedCalls {
  readonly #timeout: number;
  readonly #deadline: Deadline;
  /** When the step ends for which the client is making calls. */
  readonly #end = new AsyncLocalStorage<number>();
  readonly #unsettled = new Set<Promise<unknown>>();

  /** For the constructor of the client. */
  readonly clientOptions: Settings = {
    'grpc.callInvocationTransformer': (call: GrpcCall) => this.#bounded(call),
  };

  constructor(timeout: number, server: string) {
    this.#timeout = timeout;
    this.#deadline = new Deadline(timeout, server);
  }

  /** Makes calls of the client, and rejects with `TIMEOUT` if they take too long. */
  run<T>(step: () => Promise<T>): Promise<T> {
    const answer = this.#end.run(Date.now() + this.#timeout, step);
    this.#unsettled.add(answer);
    const settled = () => this.#unsettled.delete(answer);
    answer.then(settled, settled);
    return this.#deadline.for(answer);
  }

  /** @returns {@link STALE} where something is not as a precondition says, and nothing was written */
  async commit(batch: WriteBatch): Promise<readonly WriteResult[] | typeof STALE> {
    try {
      return await this.run(() => batch.commit());
    } catch (error) {
      if (isLostRace(error)) return STALE;
      throw error;
    }
  }

  /** Resolves when the client makes no more calls for steps, given up or not. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#unsettled);
  }

  #bounded(grpcCall: GrpcCall): GrpcCall {
    const { call, callOptions, callback } = grpcCall;
    const deadline = this.#end.getStore() ?? Number.POSITIVE_INFINITY;
    const bounded = { ...grpcCall, callOptions: { ...callOptions, deadline } };
    // Of the calls that the store makes, only a commit has one answer.
    if (callback !== undefined) {
      return { ...bounded, callback: (error, answer) => callback(error && final(error), answer) };
    }
    call.prependListener('error', (error) => Date.now() >= deadline && final(error));
    return bounded;
  }
}

/** The client sends again after errors with certain numbers; with a name it is none of them. */
function final(error: Error): Error {
  return Object.assign(error, { code: statusName(error) });
}
