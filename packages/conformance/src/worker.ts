// The program of the processes that the kit starts: it opens the store under test and does what it
// is told by messages. Its argument is a WorkerTask.
import { openSync, writeSync } from 'node:fs';
import process from 'node:process';
import { OAuthToken, type TokenStore } from '@tokenkeep/core';
import { type MadeCall, performTimed, sharedClock } from './calls.ts';
import { absorbingInLane, bareInLane, savedInLane } from './lanes.ts';
import { loadDefinition } from './load-definition.ts';
import type {
  SavingUntilKilled,
  WorkerAnswer,
  WorkerCommand,
  WorkerTask,
} from './store-process.ts';

const task: WorkerTask = JSON.parse(process.argv[2] ?? '{}');
let { place } = task;
let store: TokenStore | undefined;

function answer(message: WorkerAnswer): void {
  process.send?.(message);
}

async function obey(command: WorkerCommand): Promise<void> {
  switch (command.command) {
    case 'open':
      store = await definition.open(place);
      return answer({ ready: true });
    case 'close':
      await store?.close();
      return answer({ ready: true });
    case 'rest':
      await store?.close();
      store = undefined;
      endWithKit();
      return answer({ ready: true });
    case 'turn to':
      await store?.close();
      store = undefined;
      place = command.place;
      return answer({ ready: true });
    case 'run': {
      await momentOf(command.at);
      // After the wait: a first opening is what several processes have to do at one moment.
      store ??= await definition.open(place);
      return answer({ made: await run(store, command) });
    }
    case 'save until killed':
      store ??= await definition.open(place);
      await saveUntilKilled(store, command);
  }
}

/** Who would have killed this process is gone. However often it is asked for, it has one listener. */
function endWithKit(): void {
  process.off('disconnect', exit).once('disconnect', exit);
}

function exit(): void {
  process.exit();
}

async function momentOf(at: number): Promise<void> {
  const wait = at - sharedClock();
  if (wait > 2) await new Promise((resolve) => setTimeout(resolve, wait - 2));
  // A timer is a millisecond late or two: the last of the way is run, so that all start as one.
  while (sharedClock() < at);
}

async function run(
  opened: TokenStore,
  { calls, how }: WorkerCommand & { command: 'run' },
): Promise<MadeCall[]> {
  if (how === 'together') return Promise.all(calls.map((call) => performTimed(opened, call)));
  const made: MadeCall[] = [];
  for (const call of calls) made.push(await performTimed(opened, call));
  return made;
}

async function saveUntilKilled(
  opened: TokenStore,
  { log: path, lanes, how }: SavingUntilKilled,
): Promise<void> {
  endWithKit();
  // Written at once and by the system: it outlives this process.
  const log = openSync(path, 'a');
  const saveOn = async (lane: number): Promise<void> => {
    for (let count = 1; ; count += 1) {
      const tag = `${process.pid}-${count}`;
      writeSync(log, `try ${lane} ${tag}\n`);
      const first = how === 'absorb' ? bareInLane(lane, tag) : savedInLane(definition, lane, tag);
      await opened.saveToken(new OAuthToken(first));
      writeSync(log, `ack ${lane} ${tag}\n`);
      if (how === 'absorb') await opened.saveToken(new OAuthToken(absorbingInLane(lane, tag)));
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, lane) => saveOn(lane)));
}

const definition = await loadDefinition(task.module, task.name);
process.on('message', (command: WorkerCommand) => {
  obey(command).catch((error: unknown) => {
    answer({ failed: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
  });
});
// The channel keeps the process alive; when the kit lets go of it, only the store could.
answer({ ready: true });
