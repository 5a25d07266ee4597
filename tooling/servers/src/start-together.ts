import type { TestServer } from './test-server.ts';

/**
 * Waits for servers that were started at the same time. If one of them failed, the others are
 * stopped.
 *
 * @returns those that could be had: where there is no Docker, no container.
 * @throws what the first that failed threw.
 */
export async function startTogether<Server extends TestServer>(
  starting: readonly Promise<Server | undefined>[],
): Promise<Server[]> {
  const started = await Promise.allSettled(starting);
  const servers = started.flatMap((one) =>
    one.status === 'fulfilled' && one.value ? [one.value] : [],
  );
  const failed = started.find((one) => one.status === 'rejected');
  if (failed === undefined) return servers;
  await stopAll(servers);
  throw failed.reason;
}

/** Stops servers of one kind. */
export async function stopAll(servers: readonly TestServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}
