import { existsSync } from 'node:fs';
import { cp, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runProgram } from '../run-program.ts';

/** What git sees of a work tree: its commit, and all that differs from that. */
export async function workTreeState(root: string): Promise<string> {
  const states = [
    ['rev-parse', 'HEAD'],
    ['status', '--porcelain'],
    ['diff', 'HEAD'],
  ].map((args) => runProgram('git', args, { cwd: root }));
  return (await Promise.all(states)).join('\n');
}

/** A clone of the repository with what is not committed in it too, where anything may be done. */
export async function copyWorkTree(root: string, copy: string): Promise<void> {
  await runProgram('git', ['clone', '--quiet', '--no-hardlinks', root, copy], { cwd: root });
  const changed = await runProgram(
    'git',
    ['ls-files', '-z', '--modified', '--deleted', '--others', '--exclude-standard'],
    { cwd: root },
  );
  const staged = await runProgram('git', ['diff', '-z', '--name-only', '--cached', 'HEAD'], {
    cwd: root,
  });
  for (const path of new Set(`${changed}${staged}`.split('\0').filter((name) => name !== ''))) {
    const target = join(copy, path);
    if (existsSync(join(root, path))) {
      await mkdir(dirname(target), { recursive: true });
      await cp(join(root, path), target);
    } else {
      await rm(target, { force: true });
    }
  }
  // Changesets tags what it publishes.
  for (const [key, value] of [
    ['user.name', 'Rehearsal'],
    ['user.email', 'rehearsal@localhost'],
    ['tag.gpgSign', 'false'],
  ] as const) {
    await runProgram('git', ['config', key, value], { cwd: copy });
  }
}
