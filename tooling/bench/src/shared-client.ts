import type { TestServer } from '@tokenkeep/test-servers';
import type { Contender, Runner } from './contender.ts';

/** How to come by a server and by a client of it. */
export interface ClientOfServer<S extends TestServer, C> {
  start(): Promise<S>;
  connect(server: S): C | Promise<C>;
  disconnect(client: C): unknown;
}

/**
 * A client that a store and the bare statements beside it have in common, so that neither is lucky
 * with its connections: one whose thread in the server happens to share a processor with the client
 * answers in half the time. It ends, and its server with it, when neither needs it.
 */
export class SharedClient<S extends TestServer, C> {
  readonly #how: ClientOfServer<S, C>;
  #shared: Promise<{ server: S; client: C }> | undefined;
  #users = 0;

  constructor(how: ClientOfServer<S, C>) {
    this.#how = how;
  }

  /** A contender that is set up on the client. */
  contender(
    name: string,
    setUp: (client: C, tokens: Parameters<Contender['setUp']>[1]) => Promise<Runner>,
  ): Contender {
    return {
      name,
      setUp: async (_folder, tokens) => {
        this.#shared ??= this.#connect();
        this.#users += 1;
        const runner = await setUp((await this.#shared).client, tokens);
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

  async #connect(): Promise<{ server: S; client: C }> {
    const server = await this.#how.start();
    return { server, client: await this.#how.connect(server) };
  }

  async #leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0 || this.#shared === undefined) return;
    const { server, client } = await this.#shared;
    this.#shared = undefined;
    await this.#how.disconnect(client);
    await server.stop();
  }
}
