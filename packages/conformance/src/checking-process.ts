// The program of the process in which the command runs its checks, so that a store whose loop never
// ends, or that ends its process, ends this one only. Its argument is a CheckingTask.
import process from 'node:process';
import { CannotRun, checkTokenStore } from './check-token-store.ts';
import type { CheckingMessage, CheckingTask } from './checking.ts';
import { CAPABILITIES } from './clauses.ts';
import type { TokenStoreDefinition } from './definition.ts';
import { firstLine } from './failure-cause.ts';
import { loadDefinition, NoDefinition } from './load-definition.ts';
import { whereItFails } from './where-it-fails.ts';

const task: CheckingTask = JSON.parse(process.argv[2] ?? '{}');
/** How often the process says that its event loop goes on: milliseconds. */
const BEAT = 500;

function tell(message: CheckingMessage): void {
  process.send?.(message);
}

async function check(): Promise<void> {
  // What is said on the command line is meant for this run.
  const definition: TokenStoreDefinition = Object.assign(
    Object.create(await load()),
    task.declared,
  );
  const { name, module } = definition;
  const declared = Object.fromEntries(
    CAPABILITIES.flatMap((capability) => {
      const said = definition[capability];
      return said === undefined ? [] : [[capability, said]];
    }),
  );
  const report = await checkTokenStore(definition, {
    ...task.options,
    onStart: (settings) => {
      const found = module === undefined ? {} : { module };
      tell({ started: { definition: { name, ...found, ...declared }, settings } });
    },
    onProgress: (progress) => tell({ progress }),
  });
  tell({ ended: { duration: report.duration, notRun: report.notRun } });
}

async function load(): Promise<TokenStoreDefinition> {
  try {
    return await loadDefinition(task.module);
  } catch (failure) {
    if (failure instanceof NoDefinition) throw failure;
    throw new NoDefinition(`${task.name} does not load: ${whereItFails(failure, task.module)}`);
  }
}

// Who would print the report is gone.
process.once('disconnect', () => process.exit());
setInterval(() => tell({ alive: true }), BEAT);
check().catch((failure: unknown) => {
  const isKnown = failure instanceof NoDefinition || failure instanceof CannotRun;
  tell({ failed: isKnown ? failure.message : firstLine(failure) });
});
