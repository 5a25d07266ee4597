import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freshFolder } from './fresh-folder.ts';
import type { Outcome, PathStore, Step } from './path-store.ts';
import { runAndKill, runProgram } from './run-program.ts';

const saveAda: Step = { do: 'save', user: 'ada' };
const saveBob: Step = { do: 'save', user: 'bob' };
const list: Step = { do: 'list' };
const close: Step = { do: 'close' };

/** Registers the tests of what a store does about its path, for vitest. */
export function checkPaths(store: PathStore): void {
  const run = (...steps: Step[]): Promise<Outcome[]> =>
    runProgram({ store, unprivileged: false, steps });
  const runUnprivileged = (...steps: Step[]): Promise<Outcome[]> =>
    runProgram({ store, unprivileged: true, steps });

  describe('files', () => {
    test('are made by the first call, not by the constructor', async () => {
      const folder = freshFolder();
      expect(await run({ do: 'open', path: join(folder, 'tokens') })).toEqual(['ok']);
      expect(readdirSync(folder)).toEqual([]);
    });

    test('are private from the beginning, whatever the umask, and so are folders', async () => {
      const folder = freshFolder();
      const path = join(folder, 'new', 'folders', 'tokens');
      expect(await run({ do: 'open', path }, saveAda, list)).toEqual(['ok', 'ok', ['ada']]);
      expect(modeOf(join(folder, 'new'))).toBe('700');
      expect(modeOf(join(folder, 'new', 'folders'))).toBe('700');
      for (const name of readdirSync(join(folder, 'new', 'folders'))) {
        expect([name, modeOf(join(folder, 'new', 'folders', name))]).toEqual([name, '600']);
      }
    });

    test('are found through a symbolic link, which stays', async () => {
      const folder = freshFolder();
      const link = join(folder, 'link');
      const target = join(folder, 'elsewhere', 'tokens');
      mkdirSync(join(folder, 'elsewhere'));
      symlinkSync(join('elsewhere', 'tokens'), link);
      const saved = await run(
        { do: 'open', path: link },
        saveAda,
        close,
        { do: 'open', path: target },
        saveBob,
      );
      expect(saved).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
      expect(await run({ do: 'open', path: link }, list)).toEqual(['ok', ['ada', 'bob']]);
      expect(lstatSync(link).isSymbolicLink()).toBe(true);
      expect(modeOf(target)).toBe('600');
      expect(readdirSync(folder).toSorted()).toEqual(['elsewhere', 'link']);
    });
  });

  describe('processes', () => {
    test('may open an empty place at once, and lose no save (S1, S2)', async () => {
      const path = join(freshFolder(), 'tokens');
      const saves = (name: string): Step[] =>
        Array.from({ length: 25 }, (_, n) => ({
          do: 'save',
          user: n % 5 === 0 ? 'shared' : `${name}${n}`,
        }));
      const names = ['a', 'b', 'c', 'd'];
      const outcomes = await Promise.all(
        names.map((name) => run({ do: 'open', path }, ...saves(name))),
      );
      expect(outcomes.flat().filter((outcome) => outcome !== 'ok')).toEqual([]);
      const [, users] = await run({ do: 'open', path }, list);
      expect(users).toHaveLength(names.length * 20 + 1);
      expect(users).toContain('shared');
    });

    test('that are killed in the middle lose no save that was acknowledged (D2)', async () => {
      const path = join(freshFolder(), 'tokens');
      const acknowledged: string[] = [];
      for (const [round, saves] of [1, 7, 30, 60].entries()) {
        const steps: Step[] = [
          { do: 'open', path },
          { do: 'save-for-ever', prefix: `${round}-` },
        ];
        acknowledged.push(...(await runAndKill({ store, unprivileged: false, steps }, saves)));
      }
      expect(acknowledged.length).toBeGreaterThanOrEqual(98);
      const [, users] = await run({ do: 'open', path }, list);
      expect(users).toEqual(expect.arrayContaining(acknowledged));
    });
  });

  describe('a path that can not be used', () => {
    test('is refused with PATH_UNUSABLE: a folder, through a file, a link to itself, a pipe', async () => {
      const folder = freshFolder();
      writeFileSync(join(folder, 'file'), '');
      symlinkSync('circle', join(folder, 'circle'));
      execFileSync('mkfifo', [join(folder, 'pipe')]);
      for (const path of [
        folder,
        join(folder, 'file', 'tokens'),
        join(folder, 'circle'),
        join(folder, 'pipe'),
      ]) {
        const outcomes = await run({ do: 'open', path }, list, saveAda, list);
        expect([path, ...outcomes]).toEqual([
          path,
          'ok',
          'PATH_UNUSABLE',
          'PATH_UNUSABLE',
          'PATH_UNUSABLE',
        ]);
      }
      expect(readdirSync(folder).toSorted()).toEqual(['circle', 'file', 'pipe']);
    });

    test('in a folder that may not be written is refused with ACCESS_DENIED', async () => {
      const folder = freshFolder();
      chmodSync(folder, 0o555);
      const outcomes = await runUnprivileged(
        { do: 'open', path: join(folder, 'tokens') },
        saveAda,
        list,
      );
      expect(outcomes).toEqual(['ok', 'ACCESS_DENIED', 'ACCESS_DENIED']);
      expect(readdirSync(folder)).toEqual([]);
    });

    test('may be used once it is put right, by the same store', async () => {
      const folder = freshFolder();
      const path = join(folder, 'sub', 'tokens');
      writeFileSync(join(folder, 'sub'), '');
      const outcomes = await run(
        { do: 'open', path },
        saveAda,
        { do: 'delete', file: join(folder, 'sub') },
        saveAda,
        list,
      );
      expect(outcomes).toEqual(['ok', 'PATH_UNUSABLE', 'ok', 'ok', ['ada']]);
    });
  });

  test('a file that this user may not read is refused with ACCESS_DENIED and left as it is', async () => {
    const folder = freshFolder();
    const path = join(folder, 'tokens');
    await run({ do: 'open', path }, saveAda);
    const before = readFileSync(path);
    chmodSync(path, 0o000);
    chmodSync(folder, 0o755);
    const outcomes = await runUnprivileged({ do: 'open', path }, list, saveBob);
    expect(outcomes).toEqual(['ok', 'ACCESS_DENIED', 'ACCESS_DENIED']);
    chmodSync(path, 0o600);
    expect(readFileSync(path)).toEqual(before);
  });

  test('a file that may be read only is read, and refuses saves with READ_ONLY', async () => {
    const folder = freshFolder();
    const path = join(folder, 'tokens');
    await run({ do: 'open', path }, saveAda);
    for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o666);
    chmodSync(path, 0o444);
    chmodSync(folder, 0o777);
    const outcomes = await runUnprivileged({ do: 'open', path }, list, saveBob, list);
    expect(outcomes).toEqual(['ok', ['ada'], 'READ_ONLY', ['ada']]);
  });

  // Linux: elsewhere a test can't have a disk of its own.
  describe.runIf(process.platform === 'linux')('a disk', () => {
    test('that is full refuses saves with STORAGE_FULL, loses nothing, and takes them when there is room', async () => {
      const disk = freshFolder();
      const ballast = join(disk, 'ballast');
      const big = 'b'.repeat(20_000);
      const outcomes = await run(
        { do: 'mount', folder: disk },
        { do: 'open', path: join(disk, 'tokens') },
        saveAda,
        { do: 'fill', file: ballast },
        { do: 'save', user: big },
        list,
        { do: 'save', user: big },
        { do: 'delete', file: ballast },
        { do: 'save', user: big },
        list,
        close,
        { do: 'open', path: join(disk, 'tokens') },
        list,
      );
      expect(outcomes).toEqual([
        'ok',
        'ok',
        'ok',
        'ok',
        'STORAGE_FULL',
        ['ada'],
        'STORAGE_FULL',
        'ok',
        'ok',
        ['ada', big],
        'ok',
        'ok',
        ['ada', big],
      ]);
    });

    test('that is full from the beginning is told with STORAGE_FULL, and used when there is room', async () => {
      const disk = freshFolder();
      const ballast = join(disk, 'ballast');
      const path = join(disk, 'tokens');
      const outcomes = await run(
        { do: 'mount', folder: disk },
        { do: 'fill', file: ballast },
        { do: 'open', path },
        saveAda,
        { do: 'delete', file: ballast },
        saveAda,
        list,
      );
      expect(outcomes).toEqual(['ok', 'ok', 'ok', 'STORAGE_FULL', 'ok', 'ok', ['ada']]);
    });

    test('that takes no writes can not be written, and says READ_ONLY', async () => {
      const disk = freshFolder();
      const path = join(disk, 'tokens');
      const outcomes = await run(
        { do: 'mount', folder: disk },
        { do: 'make-read-only', folder: disk },
        { do: 'open', path },
        saveAda,
        list,
      );
      expect(outcomes.slice(0, 4)).toEqual(['ok', 'ok', 'ok', 'READ_ONLY']);
      expect(existsSync(path)).toBe(false);
    });
  });
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}
