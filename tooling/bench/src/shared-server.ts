import type { TestServer } from '@tokenkeep/test-servers';
import type { Contender, Runner } from './contender.ts';

/** A server for a store and for the bare statements beside it, which ends when neither needs it. */
export class SharedServer<S extends TestServer> {
  readonly #start: () => Promise<S>;
  #server: Promise<S> | undefined;
  #users = 0;

  constructor(start: () => Promise<S>) {
    this.#start = start;
  }

  /** A contender that is set up on the server. */
  contender(
    name: string,
    setUp: (server: S, tokens: Parameters<Contender['setUp']>[1]) => Promise<Runner>,
  ): Contender {
    return {
      name,
      setUp: async (_folder, tokens) => {
        this.#server ??= this.#start();
        this.#users += 1;
        const runner = await setUp(await this.#server, tokens);
        return {
          calls: runner.calls,
          close: async () => {
            await runner.close();
            await this.#leave();
          },
        };
      },
    };
  }

  async #leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    await (await this.#server)?.stop();
    this.#server = undefined;
  }
}
