import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { runServer } from 'verdaccio';

/** A registry of this process alone, which forgets everything with its folder. */
export interface Registry {
  readonly url: string;
  close(): void;
}

/**
 * Starts a registry on a free port of this machine. It knows `@tokenkeep/*` only from what is
 * published to it; every other package it asks the other registry for.
 */
export async function startRegistry(folder: string, otherRegistry: string): Promise<Registry> {
  const app = await runServer({
    storage: join(folder, 'storage'),
    // Verdaccio keeps files of its own beside its configuration, even where there is no such file.
    self_path: join(folder, 'config.yaml'),
    configPath: join(folder, 'config.yaml'),
    auth: { htpasswd: { file: join(folder, 'htpasswd') } },
    uplinks: { npm: { url: otherRegistry, timeout: '60s', maxage: '1h', max_fails: 20 } },
    packages: {
      '@tokenkeep/*': { access: '$all', publish: '$all' },
      '**': { access: '$all', proxy: 'npm' },
    },
    log: { type: 'file', path: join(folder, 'log'), format: 'json', level: 'warn' },
    web: { enable: false },
    max_body_size: '10mb',
  });
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  const { port }: AddressInfo = server.address();
  return {
    url: `http://127.0.0.1:${port}/`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
