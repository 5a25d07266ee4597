import { TestServerError } from './errors.ts';

/** One way to get a server. */
export interface Way<Server> {
  /** One line for the reader of the error: what to do so that this way works. */
  readonly advice: string;
  /** Gives the server; `undefined` where this way doesn't apply on this machine. */
  start(): Promise<Server | undefined>;
}

/**
 * The server from the first way that works. A way that fails is not the end (Docker may answer
 * and have no image), but its reason is told if no other way works either.
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
      causes.push(error);
      lines.push(`${way.advice} (tried: ${reason(error)})`);
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
