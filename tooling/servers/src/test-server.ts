/** Where a server came from; the report of a test run says so beside its name and version. */
export type ServerSource = 'environment' | 'container' | 'program';

/** A real server that a test may use, and, unless it came from the environment, may hurt. */
export interface TestServer extends AsyncDisposable {
  /** The product: `MariaDB`, `MySQL`, `PostgreSQL`, `Redis`, `Valkey`, `MongoDB`, ... */
  readonly name: string;
  /** The version as the server itself tells it. */
  readonly version: string;
  readonly source: ServerSource;
  readonly host: string;
  readonly port: number;
  /** Where the driver connects to, with user and password if there are any. */
  readonly url: string;
  /**
   * Ends the server with SIGKILL and waits until it is gone. Its files stay.
   *
   * @throws TestServerError `SERVER_NOT_OURS` if the server came from the environment.
   */
  kill(): Promise<void>;
  /**
   * Starts the server on the same port and the same files, and waits until it answers. One that
   * still runs is killed first.
   *
   * @throws TestServerError `SERVER_NOT_OURS`, `SERVER_DID_NOT_START`, `SERVER_STOPPED`.
   */
  restart(): Promise<void>;
  /**
   * Ends the server for good and removes its files. Can be called twice. A server from the
   * environment is left alone.
   */
  stop(): Promise<void>;
}

/** What every `start...` function takes. */
export interface StartOptions {
  /**
   * Start a server of our own even if the environment names one: for tests that kill it.
   *
   * @default false
   */
  readonly own?: boolean;
  /** More arguments for the server program, in its own words, after ours. */
  readonly args?: readonly string[];
}

/** `MariaDB 10.11.18 (program)`: how a report names the server that it was made with. */
export function describeServer(server: Pick<TestServer, 'name' | 'version' | 'source'>): string {
  return `${server.name} ${server.version} (${server.source})`;
}

/**
 * One server for all tests that a process runs and that don't hurt it: to start one takes longer than
 * most of them do. It ends with that process.
 *
 * @returns a function that gives it, and starts it where it is called first
 */
export function sharedServer<S extends Pick<TestServer, 'name' | 'version' | 'source'>>(
  start: () => Promise<S>,
): () => Promise<S> {
  let server: Promise<S> | undefined;
  return () => {
    server ??= start().then((found) => {
      console.log(describeServer(found));
      return found;
    });
    return server;
  };
}
