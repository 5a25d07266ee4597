import type { Failure } from '../run-check.ts';

/** A broken promise in plain text: what was promised, what was done, what came, why it matters. */
export function failureText(failure: Failure): string {
  return [
    `${failure.clause} ${failure.check}`,
    `  promised   ${failure.promise}`,
    `  done       ${failure.done.join('\n             ')}`,
    `  expected   ${failure.expected}`,
    `  actual     ${failure.actual}`,
    `  matters    ${failure.why}`,
    `  hint       ${failure.hint}`,
    `  again      --clause ${failure.clause} --seed ${failure.seed}`,
  ].join('\n');
}
