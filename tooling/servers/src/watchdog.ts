/**
 * A process of its own, that ends what a test run left behind. It reads lines from the process
 * that started it; when they end, that process is gone, however it went, and the servers that it
 * still had are killed and their folders removed.
 */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Charge } from './watched.ts';

const processes = new Set<number>();
const folders = new Set<string>();

for await (const line of createInterface({ input: process.stdin })) {
  const charge = JSON.parse(line) as Charge;
  if ('started' in charge) processes.add(charge.started);
  if ('ended' in charge) processes.delete(charge.ended);
  if ('made' in charge) folders.add(charge.made);
  if ('removed' in charge) folders.delete(charge.removed);
}

for (const pid of processes) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
for (const folder of folders) {
  // A process that was just killed may still be adding a file.
  rmSync(folder, {
    recursive: true,
    force: true,
    maxRetries: 10,
    retryDelay: 50,
  });
}
