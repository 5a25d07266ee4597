import type { Failure } from '../run-check.ts';
import { type Paint, plain } from './paint.ts';

const INDENT = '             ';

/** A broken promise: what was promised, what was done, what came of it, why it matters, a hint. */
export function failureText(failure: Failure, paint: Paint = plain): string {
  const line = (name: string, text: string): string =>
    `  ${paint('dim', name.padEnd(10))} ${text.replaceAll('\n', `\n${INDENT}`)}`;
  const { where } = failure;
  return [
    `${paint('red', failure.clause)} ${paint('bold', failure.check)}`,
    line('promised', failure.promise),
    line('clause', failure.address),
    ...(failure.done.length > 0 ? [line('done', failure.done.join('\n'))] : []),
    line('expected', paint('green', failure.expected)),
    line('actual', paint('red', failure.actual)),
    ...(where === undefined ? [] : [line('where', where)]),
    line('matters', failure.why),
    line('hint', failure.hint),
    line('again', failure.again),
  ].join('\n');
}
