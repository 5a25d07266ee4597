import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** What a {@link FaultyProxy} has seen since it was started. */
export interface ProxyCounts {
  /** Connections that clients made. */
  connections: number;
  /** Connections turned away while it refused. */
  refused: number;
  /** Connections that a fault reset. */
  reset: number;
  /** Bytes that clients sent, and that went on to the server. */
  bytesToServer: number;
  /** Bytes that the server sent, and that went on to a client. */
  bytesToClient: number;
  /** Bytes that the server sent, and that were thrown away. */
  bytesDropped: number;
}

/** Where a proxy's connections go: new ones, should it be changed. */
export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

/**
 * A TCP proxy that breaks connections on request. It listens on 127.0.0.1 for as long as it lives,
 * on one port, whatever state it is in.
 */
export class FaultyProxy implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly counts: ProxyCounts = {
    connections: 0,
    refused: 0,
    reset: 0,
    bytesToServer: 0,
    bytesToClient: 0,
    bytesDropped: 0,
  };
  readonly #listener: Server;
  readonly #target: ProxyTarget;
  readonly #links = new Set<Link>();
  #refuses = false;
  #dropsReplies = false;
  #bytesUntilCut = Number.POSITIVE_INFINITY;
  #latencyMs = 0;
  #losesReplyTo: ((request: Buffer) => boolean) | undefined;
  #lastWords: { readonly bytes: Buffer; readonly isIt: (reply: Buffer) => boolean } | undefined;
  #waiters: { readonly isSo: () => boolean; readonly resolve: () => void }[] = [];

  /** @param listener listens already; see {@link startFaultyProxy}. */
  constructor(listener: Server, target: ProxyTarget) {
    const address = listener.address();
    if (address === null || typeof address === 'string') throw new Error('Not a TCP listener.');
    this.port = address.port;
    this.#listener = listener;
    this.#target = target;
    listener.on('connection', (client) => this.#accept(client));
  }

  /** A URL of the server, leading here instead: same user, password, path and parameters. */
  urlFor(serverUrl: string): string {
    const url = new URL(serverUrl);
    url.hostname = this.host;
    url.port = String(this.port);
    return url.href;
  }

  /** Ends every fault; connections that are open stay as they are. */
  pass(): void {
    this.#refuses = false;
    this.#dropsReplies = false;
    this.#bytesUntilCut = Number.POSITIVE_INFINITY;
    this.#latencyMs = 0;
    this.#losesReplyTo = undefined;
    this.#lastWords = undefined;
  }

  /** Resets every connection there is, once. New ones pass. */
  cut(): void {
    for (const link of [...this.#links]) this.#reset(link);
  }

  /**
   * Lets `bytes` more bytes go from clients to the server, counted over all connections, and then
   * resets the connection that sent the next one, in the middle of a request perhaps. Once; later
   * connections pass.
   */
  cutAfterBytes(bytes: number): void {
    this.#bytesUntilCut = bytes;
  }

  /**
   * Lets requests through and throws the replies away: the server does the work and the client
   * doesn't learn of it. Stays so until {@link pass}; then {@link cut} the connections that wait
   * for replies that are lost.
   */
  dropReplies(): void {
    this.#dropsReplies = true;
  }

  /**
   * Lets the next request through that `isIt` picks, and resets its connection in place of its
   * reply. Once; wait for it with `seen(({ reset }) => reset > 0)`.
   *
   * @param isIt is given what a client sends, piece by piece; the first piece if not given.
   */
  dropNextReply(isIt: (request: Buffer) => boolean = () => true): void {
    this.#losesReplyTo = isIt;
  }

  /**
   * Lets the next reply through that `isIt` picks, with `bytes` behind it in the same piece, and ends
   * its connection: as a server does that is shut down. Once.
   */
  endAfterReply(bytes: Buffer, isIt: (reply: Buffer) => boolean): void {
    this.#lastWords = { bytes, isIt };
  }

  /** Holds back each piece by this many milliseconds, in both directions. */
  latency(milliseconds: number): void {
    this.#latencyMs = milliseconds;
  }

  /** Resets every connection there is and every new one, until {@link pass}. */
  refuse(): void {
    this.#refuses = true;
    this.cut();
  }

  /** Waits until the counts are as `isSo` wants them. */
  async seen(isSo: (counts: Readonly<ProxyCounts>) => boolean): Promise<void> {
    if (isSo(this.counts)) return;
    await new Promise<void>((resolve) => {
      this.#waiters.push({ isSo: () => isSo(this.counts), resolve });
    });
  }

  /** Resets all connections and stops listening. */
  async stop(): Promise<void> {
    this.cut();
    if (!this.#listener.listening) return;
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #accept(client: Socket): void {
    this.#count('connections', 1);
    client.on('error', () => {});
    if (this.#refuses) {
      client.resetAndDestroy();
      this.#count('refused', 1);
      return;
    }
    const { host, port } = this.#target;
    const server = connect({ host, port, allowHalfOpen: true });
    const link: Link = {
      toClient: { socket: client, moved: Promise.resolve() },
      toServer: { socket: server, moved: Promise.resolve() },
      losesReply: false,
    };
    this.#links.add(link);
    client.setNoDelay(true);
    server.setNoDelay(true);
    server.on('error', () => client.resetAndDestroy());
    client.on('data', (piece: Buffer) => this.#fromClient(link, piece));
    server.on('data', (piece: Buffer) => this.#fromServer(link, piece));
    client.on('end', () => this.#later(link.toServer, () => server.end()));
    server.on('end', () => this.#later(link.toClient, () => client.end()));
    client.on('close', () => this.#closed(link, link.toServer));
    server.on('close', () => this.#closed(link, link.toClient));
  }

  #fromClient(link: Link, piece: Buffer): void {
    if (this.#losesReplyTo?.(piece)) {
      this.#losesReplyTo = undefined;
      link.losesReply = true;
    }
    const passed = piece.subarray(0, Math.min(piece.length, this.#bytesUntilCut));
    this.#bytesUntilCut -= passed.length;
    this.#pass(link.toServer, passed, 'bytesToServer');
    if (passed.length === piece.length) return;
    this.#bytesUntilCut = Number.POSITIVE_INFINITY;
    this.#later(link.toServer, () => {
      // What was let through reaches the server, as it would have before a cable broke.
      link.toServer.socket.end();
      this.#reset(link);
    });
  }

  #fromServer(link: Link, piece: Buffer): void {
    if (!this.#dropsReplies && !link.losesReply) {
      const last = this.#lastWords?.isIt(piece) ? this.#lastWords : undefined;
      this.#pass(
        link.toClient,
        last === undefined ? piece : Buffer.concat([piece, last.bytes]),
        'bytesToClient',
      );
      if (last === undefined) return;
      this.#lastWords = undefined;
      this.#later(link.toClient, () => link.toClient.socket.end());
      return;
    }
    this.#count('bytesDropped', piece.length);
    if (link.losesReply) this.#reset(link);
  }

  #pass(to: Direction, piece: Buffer, counter: 'bytesToServer' | 'bytesToClient'): void {
    this.#later(to, () => {
      if (!to.socket.writable) return;
      to.socket.write(piece);
      this.#count(counter, piece.length);
    });
  }

  /** Acts after the latency, and after what was to be done in this direction before. */
  #later(to: Direction, act: () => void): void {
    const due = performance.now() + this.#latencyMs;
    to.moved = to.moved.then(async () => {
      const rest = due - performance.now();
      if (rest > 0) await wait(rest);
      act();
    });
  }

  #closed(link: Link, other: Direction): void {
    this.#links.delete(link);
    this.#later(other, () => other.socket.destroy());
  }

  #reset(link: Link): void {
    if (!this.#links.delete(link)) return;
    const server = link.toServer.socket;
    link.toClient.socket.resetAndDestroy();
    if (!server.writableEnded) server.resetAndDestroy();
    this.#count('reset', 1);
  }

  #count(counter: keyof ProxyCounts, by: number): void {
    this.counts[counter] += by;
    const met = this.#waiters.filter((waiter) => waiter.isSo());
    this.#waiters = this.#waiters.filter((waiter) => !met.includes(waiter));
    for (const waiter of met) waiter.resolve();
  }
}

interface Link {
  readonly toClient: Direction;
  readonly toServer: Direction;
  losesReply: boolean;
}

interface Direction {
  readonly socket: Socket;
  /** Settles when all that came so far has been passed on. */
  moved: Promise<void>;
}

/**
 * Starts a proxy in front of a server.
 *
 * @example
 * const proxy = await startFaultyProxy({ target: server });
 * const store = new SomeTokenStore({ url: proxy.urlFor(server.url) });
 * proxy.cutAfterBytes(100);
 */
export async function startFaultyProxy(options: {
  readonly target: ProxyTarget;
}): Promise<FaultyProxy> {
  const listener = createServer({ allowHalfOpen: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return new FaultyProxy(listener, options.target);
}
