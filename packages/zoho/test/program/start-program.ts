import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ZohoServer } from '@tokenkeep/zoho-server';
import type { Commands, ProgramSettings } from './program.ts';

type Name = keyof Commands;

/** A running program. */
export interface Program extends AsyncDisposable {
  /** Has it do something; rejects with what its user would see of an error. */
  run<N extends Name>(
    name: N,
    ...parameters: Parameters<Commands[N]>
  ): Promise<Awaited<ReturnType<Commands[N]>>>;
}

/** Starts `program.ts` in a process of its own, with a real SDK against the stand-in server. */
export function startProgram(
  sdk: string,
  server: ZohoServer,
  store: string,
  settings: Pick<ProgramSettings, 'retryDelays'> = {},
): Program {
  const { url, accountsUrl } = server;
  const all: ProgramSettings = { sdk, url, accountsUrl, store, ...settings };
  const child = fork(fileURLToPath(new URL('program.ts', import.meta.url)), [JSON.stringify(all)], {
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, 'exit');

  return {
    async run(name, ...parameters) {
      child.send({ name, parameters });
      const answer = await Promise.race([
        once(child, 'message').then(([message]) => message),
        ended.then(([code]) => ({ error: `the program ended with code ${code}:\n${stderr}` })),
      ]);
      if ('error' in answer) throw new Error(answer.error);
      return answer.result;
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}
