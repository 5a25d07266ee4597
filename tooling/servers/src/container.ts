import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { StartedTestContainer, WaitStrategy } from 'testcontainers';
import { TestServerError } from './errors.ts';
import { freePort } from './free-port.ts';
import type { Lifecycle } from './lifecycle.ts';
import { until } from './until.ts';

/** A server that is to run in a container. */
export interface ContainerOptions {
  /** An official image, with its version. */
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Files to put into it before it starts: path and text. */
  readonly files?: Readonly<Record<string, string>>;
  /**
   * The port that the server listens on in the container; a free one of this machine leads there.
   * Or, for servers that tell clients and each other their addresses, a port that it listens on in
   * the machine's own network, which Docker has on Linux only.
   */
  readonly port: number | { readonly onMachine: number };
  /** Asked again and again until it gives true; to throw means not yet, too. */
  ready(place: ContainerPlace): Promise<boolean>;
}

/** Where to reach a server in a container. */
export interface ContainerPlace {
  readonly host: string;
  readonly port: number;
}

const START_TIMEOUT_MS = 120_000;

/** Why an image couldn't be had: to ask the registry again for each test would take long. */
const failedImages = new Map<string, unknown>();

/**
 * Starts a container, or gives `undefined` where there is no Docker.
 *
 * @throws Error if Docker doesn't answer, the image can't be pulled, or the server doesn't start.
 */
export async function startContainer(
  options: ContainerOptions,
): Promise<(ContainerPlace & { readonly lifecycle: Lifecycle }) | undefined> {
  if (!mayHaveDocker()) return undefined;
  if (typeof options.port !== 'number' && process.platform !== 'linux') return undefined;
  if (failedImages.has(options.image)) throw failedImages.get(options.image);
  try {
    await fetchImage(options.image);
  } catch (error) {
    failedImages.set(options.image, error);
    throw error;
  }
  return start(options);
}

/** @throws Error if Docker doesn't answer, or hasn't the image and can't pull it. */
async function fetchImage(image: string): Promise<void> {
  // Loading it takes longer than most servers to start, so it is done where there is Docker only.
  const { getContainerRuntimeClient, ImageName } = await import('testcontainers');
  const runtime = await getContainerRuntimeClient();
  const name = ImageName.fromString(image);
  if (!(await runtime.image.exists(name))) await runtime.image.pull(name);
}

/** Whether it is worth the time to load what asks Docker. */
function mayHaveDocker(): boolean {
  const address = process.env['DOCKER_HOST'];
  if (address !== undefined) {
    return !address.startsWith('unix://') || existsSync(address.slice('unix://'.length));
  }
  return [
    '/var/run/docker.sock',
    join(homedir(), '.docker/run/docker.sock'),
    join(process.env['XDG_RUNTIME_DIR'] ?? '/run/user/none', 'docker.sock'),
  ].some((path) => existsSync(path));
}

async function start(
  options: ContainerOptions,
): Promise<ContainerPlace & { lifecycle: Lifecycle }> {
  const { GenericContainer, getContainerRuntimeClient } = await import('testcontainers');
  const runtime = await getContainerRuntimeClient();
  const place: ContainerPlace =
    typeof options.port === 'number'
      ? { host: runtime.info.containerRuntime.host, port: await freePort() }
      : // A number, as nodes that tell each other this address don't take names.
        { host: '127.0.0.1', port: options.port.onMachine };
  const container = new GenericContainer(options.image)
    .withCommand([...(options.command ?? [])])
    .withEnvironment({ ...options.environment })
    .withCopyContentToContainer(
      Object.entries(options.files ?? {}).map(([target, content]) => ({
        target,
        content,
        mode: 0o666,
      })),
    )
    .withWaitStrategy(new AnswersClients(() => options.ready(place)));
  if (typeof options.port !== 'number') container.withNetworkMode('host');
  // Not a port of Docker's choice: that one would be another after a restart.
  else container.withExposedPorts({ container: options.port, host: place.port });
  const started = await container.start();
  const inDocker = runtime.container.getById(started.getId());
  const lifecycle = new ContainerLifecycle(started, {
    kill: async () => {
      await inDocker.kill({ signal: 'SIGKILL' });
      await inDocker.wait();
    },
    start: async () => {
      await inDocker.start();
      await until(`${options.image} answers`, () => options.ready(place), START_TIMEOUT_MS);
    },
  });
  return { ...place, lifecycle };
}

/** Ready when a client is answered; what Docker or the log say is too early. */
class AnswersClients implements WaitStrategy {
  readonly #ready: () => Promise<boolean>;

  constructor(ready: () => Promise<boolean>) {
    this.#ready = ready;
  }

  async waitUntilReady(container: Parameters<WaitStrategy['waitUntilReady']>[0]): Promise<void> {
    let ended = false;
    await until(
      'the server in the container answers',
      async () => {
        ended = !(await container.inspect()).State.Running;
        return ended || (await this.#ready());
      },
      START_TIMEOUT_MS,
    );
    if (!ended) return;
    const log = String(await container.logs({ stdout: true, stderr: true, tail: 10 }));
    throw new Error(`the container ended: ${log}`);
  }

  withStartupTimeout(): WaitStrategy {
    return this;
  }

  isStartupTimeoutSet(): boolean {
    return true;
  }

  getStartupTimeout(): number {
    return START_TIMEOUT_MS;
  }
}

/** What {@link ContainerLifecycle} does with a container by Docker's own means. */
interface ContainerSwitch {
  kill(): Promise<void>;
  start(): Promise<void>;
}

class ContainerLifecycle implements Lifecycle {
  readonly source = 'container';
  readonly #container: StartedTestContainer;
  readonly #switch: ContainerSwitch;
  #state: 'running' | 'killed' | 'stopped' = 'running';

  constructor(container: StartedTestContainer, containerSwitch: ContainerSwitch) {
    this.#container = container;
    this.#switch = containerSwitch;
  }

  async kill(): Promise<void> {
    if (this.#state !== 'running') return;
    await this.#switch.kill();
    this.#state = 'killed';
  }

  async restart(): Promise<void> {
    if (this.#state === 'stopped') {
      throw new TestServerError(
        'SERVER_STOPPED',
        'This container was stopped and its files are gone; start another one.',
      );
    }
    await this.kill();
    await this.#switch.start();
    this.#state = 'running';
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    await this.kill();
    this.#state = 'stopped';
    await this.#container.stop({ removeVolumes: true });
  }
}
