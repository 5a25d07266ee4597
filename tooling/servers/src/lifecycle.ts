import { TestServerError } from './errors.ts';
import type { ServerSource, TestServer } from './test-server.ts';

/** How a server is ended and brought back: as a program, as a container, or not by us. */
export interface Lifecycle extends Pick<TestServer, 'kill' | 'restart' | 'stop'> {
  readonly source: ServerSource;
}

/** A server that somebody else runs: it is used, and neither killed nor stopped. */
export class OthersServer implements Lifecycle {
  readonly source = 'environment';
  readonly #variable: string;

  /** @param variable the environment variable that named it. */
  constructor(variable: string) {
    this.#variable = variable;
  }

  async kill(): Promise<void> {
    throw this.#notOurs('killed');
  }

  async restart(): Promise<void> {
    throw this.#notOurs('restarted');
  }

  async stop(): Promise<void> {}

  #notOurs(what: string): TestServerError {
    return new TestServerError(
      'SERVER_NOT_OURS',
      `The server in ${this.#variable} can't be ${what} by a test. ` +
        'Ask for one of our own with `{ own: true }`.',
    );
  }
}

/** What a server is, apart from how it lives. */
export type ServerFacts = Pick<TestServer, 'name' | 'version' | 'host' | 'port' | 'url'>;

/** A {@link TestServer} made of its facts and its lifecycle; each product extends it. */
export class LivingServer implements TestServer {
  readonly name: string;
  readonly version: string;
  readonly source: ServerSource;
  readonly host: string;
  readonly port: number;
  readonly url: string;
  readonly #lifecycle: Lifecycle;

  constructor(facts: ServerFacts, lifecycle: Lifecycle) {
    this.name = facts.name;
    this.version = facts.version;
    this.source = lifecycle.source;
    this.host = facts.host;
    this.port = facts.port;
    this.url = facts.url;
    this.#lifecycle = lifecycle;
  }

  async kill(): Promise<void> {
    await this.#lifecycle.kill();
  }

  async restart(): Promise<void> {
    await this.#lifecycle.restart();
  }

  async stop(): Promise<void> {
    await this.#lifecycle.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
