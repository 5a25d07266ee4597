import { TestServerError } from './errors.ts';
import { type Lifecycle, OthersServer } from './lifecycle.ts';
import type { StartOptions } from './test-server.ts';

/** One way to get a server. */
export interface Way<Server> {
  /** One line for the reader of the error: what to do so that this way works. */
  readonly advice: string;
  /** Gives the server; `undefined` where this way doesn't apply on this machine. */
  start(): Promise<Server | undefined>;
}

/** The first way: a server that somebody named in an environment variable. */
export class NamedInEnvironment<Server> implements Way<Server> {
  readonly advice: string;
  readonly #variable: string;
  readonly #options: StartOptions;
  readonly #connect: (value: string, lifecycle: Lifecycle) => Promise<Server | undefined>;

  constructor(
    variable: string,
    example: string,
    options: StartOptions,
    connect: (value: string, lifecycle: Lifecycle) => Promise<Server | undefined>,
  ) {
    this.advice = `set ${variable}=${example}`;
    this.#variable = variable;
    this.#options = options;
    this.#connect = connect;
  }

  async start(): Promise<Server | undefined> {
    const value = process.env[this.#variable];
    // Arguments are for a server that is yet to be started.
    if (!value || this.#options.own || this.#options.args?.length) return undefined;
    try {
      return await this.#connect(value, new OthersServer(this.#variable));
    } catch (error) {
      // Whoever named a server wants that one tested: no other takes its place.
      throw new TestServerError(
        'SERVER_UNAVAILABLE',
        `The server in ${this.#variable} can't be used: ${reason(error)}`,
        { cause: error },
      );
    }
  }
}

/**
 * The server from the first way that works. A way that fails is not the end (Docker may answer
 * and have no image), but its reason is told if no other way works either. Only a server named in
 * the environment that fails is.
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`, with one line for each way.
 */
export async function firstThatWorks<Server>(
  wanted: string,
  ways: readonly Way<Server>[],
): Promise<Server> {
  const lines: string[] = [];
  const causes: unknown[] = [];
  for (const way of ways) {
    try {
      const server = await way.start();
      if (server !== undefined) return server;
      lines.push(way.advice);
    } catch (error) {
      if (way instanceof NamedInEnvironment) throw error;
      causes.push(error);
      lines.push(`${way.advice} (tried: ${reason(error)})`);
      warnOnce(`${wanted}: another way is tried, as this one failed: ${lines.at(-1)}`);
    }
  }
  throw new TestServerError(
    'SERVER_UNAVAILABLE',
    `No ${wanted} to test on. Any one of these gives one:\n${lines.map((line) => `- ${line}`).join('\n')}`,
    { cause: causes.length > 1 ? new AggregateError(causes) : causes[0] },
  );
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const warned = new Set<string>();

/** A failure that another way makes good is told, or nobody would learn of it. */
function warnOnce(warning: string): void {
  if (warned.has(warning)) return;
  warned.add(warning);
  process.emitWarning(warning, 'TestServerWarning');
}
