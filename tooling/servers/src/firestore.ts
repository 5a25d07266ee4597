import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startContainer } from './container.ts';
import { installedProgram } from './installed-program.ts';
import { type Lifecycle, LivingServer } from './lifecycle.ts';
import { ServerProcess, startOnFreePort } from './server-process.ts';
import type { StartOptions } from './test-server.ts';
import { firstThatWorks, NamedInEnvironment } from './ways.ts';

/** A Firestore emulator. It speaks without encryption and lets everybody in. */
export class FirestoreServer extends LivingServer {
  /** `host:port`, as `FIRESTORE_EMULATOR_HOST` and the client's settings want it. */
  get hostAndPort(): string {
    return `${this.host}:${this.port}`;
  }

  /** Removes every document of a project's database, in one request. */
  async clear(projectId: string, databaseId = '(default)'): Promise<void> {
    const path = `/emulator/v1/projects/${projectId}/databases/${databaseId}/documents`;
    const response = await fetch(`${this.url}${path}`, { method: 'DELETE' });
    if (!response.ok) throw new Error(`The emulator answered ${response.status} to a DELETE.`);
  }
}

const IMAGE_VERSION = '528.0.0';
const IMAGE = `gcr.io/google.com/cloudsdktool/google-cloud-cli:${IMAGE_VERSION}-emulators`;

/** Where Google's package for Debian of the emulator puts it. */
const JAR =
  '/usr/lib/google-cloud-sdk/platform/cloud-firestore-emulator/cloud-firestore-emulator.jar';
const MAIN_CLASS = 'com.google.cloud.datastore.emulator.firestore.CloudFirestore';

/**
 * Starts Google's Firestore emulator: the one in `FIRESTORE_EMULATOR_HOST`, a container of the
 * Google Cloud CLI, or the emulator installed on this machine. It keeps everything in memory: a
 * restart is empty.
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`
 */
export async function startFirestore(options: StartOptions = {}): Promise<FirestoreServer> {
  return firstThatWorks('Firestore emulator', [
    new NamedInEnvironment('FIRESTORE_EMULATOR_HOST', 'host:port', options, othersEmulator),
    {
      advice: `start Docker (image ${IMAGE})`,
      start: startEmulatorContainer,
    },
    {
      advice:
        "install Java and Google's package google-cloud-cli-firestore-emulator, " +
        'or set FIRESTORE_EMULATOR_JAR to its cloud-firestore-emulator.jar',
      start: async () => {
        const jar = process.env['FIRESTORE_EMULATOR_JAR'] || JAR;
        const java = installedProgram('java');
        if (java === undefined || !existsSync(jar)) return undefined;
        return startProgram(java.path, jar, options);
      },
    },
  ]);
}

async function startEmulatorContainer(): Promise<FirestoreServer | undefined> {
  const container = await startContainer({
    image: IMAGE,
    command: [...['gcloud', 'beta', 'emulators', 'firestore', 'start'], '--host-port=0.0.0.0:8080'],
    port: 8080,
    ready: ({ host, port }) => answers(`http://${host}:${port}`),
  });
  if (container === undefined) return undefined;
  const { host, port, lifecycle } = container;
  return emulatorAt(`${host}:${port}`, `of Google Cloud CLI ${IMAGE_VERSION}`, lifecycle);
}

async function othersEmulator(address: string, lifecycle: Lifecycle): Promise<FirestoreServer> {
  if (!(await answers(`http://${address}`))) throw new Error(`no emulator at ${address}`);
  return emulatorAt(address, 'unknown', lifecycle);
}

/** @param version the emulator doesn't tell it, so whoever started it has to. */
function emulatorAt(address: string, version: string, lifecycle: Lifecycle): FirestoreServer {
  const url = new URL(`http://${address}`);
  const facts = { name: 'Firestore emulator', version, url: url.origin };
  return new FirestoreServer({ ...facts, host: url.hostname, port: Number(url.port) }, lifecycle);
}

async function startProgram(
  java: string,
  jar: string,
  options: StartOptions,
): Promise<FirestoreServer> {
  return startOnFreePort('firestore', async ({ folder, port }) => {
    const address = `127.0.0.1:${port}`;
    const lifecycle = await ServerProcess.start({
      name: 'Firestore emulator',
      folder,
      command: [
        java,
        // It lives for a minute: compilers and collectors that pay off later cost more than they give.
        ...['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'],
        ...['-cp', jar, MAIN_CLASS],
        ...['--host', '127.0.0.1', '--port', String(port)],
        ...(options.args ?? []),
      ],
      // It answers before it says so, and what it says is not another process's answer.
      ready: async () => {
        const log = await readFile(join(folder, 'log'), 'utf8');
        return log.includes('is now running') && answers(`http://${address}`);
      },
    });
    return emulatorAt(address, await jarVersion(jar), lifecycle);
  });
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  return response.ok && (await response.text()).startsWith('Ok');
}

/** What the Google Cloud CLI noted down when it put the emulator there. */
async function jarVersion(jar: string): Promise<string> {
  const notes = join(dirname(jar), '../../.install/cloud-firestore-emulator.snapshot.json');
  const text = await readFile(notes, 'utf8').catch(() => '');
  return /"version_string": "([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}
