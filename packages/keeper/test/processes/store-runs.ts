import { randomUUID } from 'node:crypto';
import type { TokenStoreDefinition } from '@tokenkeep/conformance';
import { OAuthToken, type TokenStore } from '@tokenkeep/core';
import { type Rotation, startOAuthProvider } from '@tokenkeep/oauth-provider';
import type { Mishap, Opening } from './caller.ts';
import { CallerProcess } from './caller-process.ts';
import { Run } from './run.ts';

const PROCESSES = 4;

/** Milliseconds: longer than the lease of a process that was killed holds up the others. */
const GRACE_TIME = 60_000;

/** One store, with four processes that use it for every scenario, each of a user of its own. */
export class StoreRuns implements AsyncDisposable {
  readonly #definition: TokenStoreDefinition;
  readonly #opening: Opening;
  readonly #store: TokenStore;
  readonly #callers: readonly CallerProcess[];
  readonly #holders: CallerProcess[] = [];

  static async begin(definition: TokenStoreDefinition): Promise<StoreRuns> {
    const { module = '', name } = definition;
    const place = await definition.location();
    const opening: Opening = { module, name, place };
    const store = await definition.open(place);
    const callers = await Promise.all(
      Array.from({ length: PROCESSES }, () => CallerProcess.start(opening)),
    );
    return new StoreRuns(definition, opening, store, callers);
  }

  private constructor(
    definition: TokenStoreDefinition,
    opening: Opening,
    store: TokenStore,
    callers: readonly CallerProcess[],
  ) {
    this.#definition = definition;
    this.#opening = opening;
    this.#store = store;
    this.#callers = callers;
  }

  /** A provider, with a login of a new user whose access token is over. */
  async run(rotation: Rotation): Promise<Run> {
    const provider = await startOAuthProvider({ rotation, graceTime: GRACE_TIME });
    const userName = randomUUID();
    const login = OAuthToken.fromTokenResponse(provider.login(userName), {
      clientId: 'client',
      clientSecret: 'secret',
      userSignature: { name: userName },
    });
    const saved = await this.#store.saveToken(login.with({ expiresAt: Date.now() - 1_000 }));
    const { pace = 1 } = this.#definition;
    return new Run({
      provider,
      userName,
      saved,
      store: this.#store,
      callers: this.#callers,
      // Time enough for a refresh with its saves; of the emulator of Firestore each takes its time.
      shortTimeLimit: pace < 20 ? 3_000 : 8_000,
      holder: (mishap) => this.#holder(mishap),
    });
  }

  /** A process of its own for one scenario, which something will happen to. */
  async #holder(mishap: Mishap | undefined): Promise<CallerProcess> {
    const holder = await CallerProcess.start({ ...this.#opening, mishap });
    this.#holders.push(holder);
    return holder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#callers, ...this.#holders].map((caller) => caller.end()));
    await this.#store.close();
    await this.#definition.destroy?.(this.#opening.place);
  }
}
