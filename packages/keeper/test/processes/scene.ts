import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TokenStoreDefinition } from '@tokenkeep/conformance';
import { OAuthToken, type TokenStore } from '@tokenkeep/core';
import {
  type OAuthProvider,
  type OAuthProviderOptions,
  startOAuthProvider,
} from '@tokenkeep/oauth-provider';
import type { Mishap, Order, Result } from './caller.ts';

const PROGRAM = fileURLToPath(new URL('caller.ts', import.meta.url));
const CALLS = 10;
const PROCESSES = 4;

/** A provider, a place with a login whose access token is over, and processes that use it. */
export class ProcessScene implements AsyncDisposable {
  readonly provider: OAuthProvider;
  readonly store: TokenStore;
  readonly saved: OAuthToken;
  readonly #definition: TokenStoreDefinition;
  readonly #place: Order['place'];
  readonly #timeLimit: number;
  readonly #children: ChildProcess[] = [];

  static async begin(
    definition: TokenStoreDefinition,
    options: OAuthProviderOptions & { timeLimit?: number },
  ): Promise<ProcessScene> {
    const provider = await startOAuthProvider(options);
    const place = await definition.location();
    const store = await definition.open(place);
    const login = OAuthToken.fromTokenResponse(provider.login('ada'), {
      clientId: 'client',
      clientSecret: 'secret',
      userSignature: { name: 'ada' },
    });
    const saved = await store.saveToken(login.with({ expiresAt: Date.now() - 1_000 }));
    return new ProcessScene(
      definition,
      place,
      options.timeLimit ?? patience(definition),
      provider,
      store,
      saved,
    );
  }

  private constructor(
    definition: TokenStoreDefinition,
    place: Order['place'],
    timeLimit: number,
    provider: OAuthProvider,
    store: TokenStore,
    saved: OAuthToken,
  ) {
    this.#definition = definition;
    this.#place = place;
    this.#timeLimit = timeLimit;
    this.provider = provider;
    this.store = store;
    this.saved = saved;
  }

  /** Starts processes that are ready to call. */
  async processes(count: number = PROCESSES, mishap?: Mishap): Promise<ChildProcess[]> {
    const { module = '', name } = this.#definition;
    const { tokenEndpoint, api } = this.provider;
    const place = this.#place;
    const timeLimit = this.#timeLimit;
    const order: Order = { module, name, place, tokenEndpoint, api, timeLimit, mishap };
    const children = Array.from({ length: count }, () => fork(PROGRAM, [JSON.stringify(order)]));
    this.#children.push(...children);
    await Promise.all(children.map((child) => once(child, 'message')));
    return children;
  }

  /** Lets each call ten times, all at once. */
  async call(children: readonly ChildProcess[]): Promise<Result[]> {
    const results = children.map((child) => answerOf(child));
    for (const child of children) child.send(CALLS);
    return (await Promise.all(results)).flat();
  }

  /** The record as it is. */
  record(): Promise<OAuthToken | null> {
    return this.store.findTokenById(this.saved.id ?? '');
  }

  /** What a row of the table of runs says. */
  figures(results: readonly Result[]): string {
    const { counts, familiesRevoked } = this.provider;
    const failed = results.filter((result) => result !== 200);
    return [
      `${counts.refreshes} refreshes`,
      `${counts.refusedRefreshes} refused`,
      `${familiesRevoked} families revoked`,
      `${failed.length} of ${results.length} calls failed`,
      [...new Set(failed)].join(' '),
    ]
      .filter((part) => part !== '')
      .join(', ');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode === null) child.kill('SIGKILL');
    }
    await this.provider.stop();
    await this.store.close();
    await this.#definition.destroy?.(this.#place);
  }
}

/** Milliseconds that a refresh may take, with the saves before and after it. */
function patience({ pace = 1 }: TokenStoreDefinition): number {
  return Math.max(5_000, pace * 1_000);
}

async function answerOf(child: ChildProcess): Promise<Result[]> {
  const ended = once(child, 'exit').then(([code, signal]) => [`ended with ${signal ?? code}`]);
  return await Promise.race([
    once(child, 'message').then(([results]) => results as Result[]),
    ended,
  ]);
}
