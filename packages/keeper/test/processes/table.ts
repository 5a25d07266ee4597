import type { Rotation } from '@tokenkeep/oauth-provider';
import type { Figures } from './run.ts';

export interface Row extends Figures {
  readonly store: string;
  readonly rotation: Rotation;
  readonly title: string;
}

const HEAD = [
  ...['store', 'a provider that', 'what happens', 'calls', 'failed', 'refreshes', 'refused'],
  ...['families revoked', 'errors'],
];

/** The rows as a table in Markdown. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    ...[row.store, row.rotation, row.title, row.calls, row.failed, row.refreshes, row.refused],
    ...[row.familiesRevoked, row.errors.join(', ')],
  ]);
  return [HEAD, HEAD.map(() => '---'), ...cells]
    .map((line) => `| ${line.join(' | ')} |`)
    .join('\n');
}
