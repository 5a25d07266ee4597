import { join } from 'node:path';
import { startContainer } from './container.ts';
import { hasDebianPackages, unpackedDebian } from './debian.ts';
import { type Lifecycle, LivingServer } from './lifecycle.ts';
import { ServerProcess, startOnFreePort } from './server-process.ts';
import type { StartOptions } from './test-server.ts';
import { firstThatWorks, NamedInEnvironment } from './ways.ts';

/** A stand-in for services of AWS. It speaks without encryption and lets everybody in. */
export class MotoServer extends LivingServer {}

const IMAGE = 'motoserver/moto:5.1.6';

/** Its threads get into each other's way: one request in some hundreds ended with the status 500. */
const ONE_AT_A_TIME = `
import sys, threading
import moto.server as server
serve, lock = server.run_simple, threading.Lock()
def run(host, port, app, **options):
    def one_at_a_time(environ, start_response):
        with lock:
            return app(environ, start_response)
    serve(host, port, one_at_a_time, **options)
server.run_simple = run
server.main(sys.argv[1:])
`;

/**
 * Starts moto, which stands in for AWS Secrets Manager: the one in `MOTO_URL`, a container, or
 * Debian's package of it. It keeps everything in memory: a restart is empty.
 *
 * It does right what a store needs, the labels of versions that are moved by compare-and-set. It
 * enforces no sizes, no number of versions and no quotas.
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`
 */
export async function startMoto(options: StartOptions = {}): Promise<MotoServer> {
  return firstThatWorks('moto', [
    new NamedInEnvironment('MOTO_URL', 'http://host:port', options, othersMoto),
    {
      advice: `start Docker (image ${IMAGE})`,
      start: async () => {
        const container = await startContainer({
          image: IMAGE,
          command: [],
          port: 5000,
          ready: ({ host, port }) => answers(`http://${host}:${port}`),
        });
        if (container === undefined) return undefined;
        const { host, port, lifecycle } = container;
        return motoAt(`http://${host}:${port}`, lifecycle);
      },
    },
    {
      advice: "run on Debian, where it is fetched (trixie's python3-moto)",
      start: () => (hasDebianPackages() ? startProgram() : Promise.resolve(undefined)),
    },
  ]);
}

async function startProgram(): Promise<MotoServer> {
  const unpacked = await unpackedDebian({
    name: 'moto-trixie',
    suite: 'trixie',
    packages: ['python3-moto', 'python3-flask-cors'],
  });
  const python = unpacked.program(join(unpacked.folder, 'bin/python3'));
  return startOnFreePort('moto', async ({ folder, port }) => {
    const url = `http://127.0.0.1:${port}`;
    const lifecycle = await ServerProcess.start({
      name: 'moto',
      folder,
      command: [...python, '-c', ONE_AT_A_TIME, '-H', '127.0.0.1', '-p', String(port)],
      env: {
        PYTHONHOME: unpacked.folder,
        PYTHONPATH: join(unpacked.folder, 'lib/python3/dist-packages'),
        PYTHONDONTWRITEBYTECODE: '1',
      },
      ready: () => answers(url),
    });
    return motoAt(url, lifecycle);
  });
}

async function othersMoto(url: string, lifecycle: Lifecycle): Promise<MotoServer> {
  if (!(await answers(url))) throw new Error('no moto answers there');
  return motoAt(url, lifecycle);
}

function motoAt(address: string, lifecycle: Lifecycle): MotoServer {
  const url = new URL(address);
  const facts = { name: 'moto', version: '5.1', url: url.origin };
  return new MotoServer({ ...facts, host: url.hostname, port: Number(url.port) }, lifecycle);
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(`${url}/moto-api/data.json`, { signal: AbortSignal.timeout(5_000) });
  return response.ok;
}
