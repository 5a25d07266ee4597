import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
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

  describe('a file with two names', () => {
    test('is refused: what is saved by one name is lost to the other', async () => {
      const folder = freshFolder();
      const path = join(folder, 'tokens');
      await run({ do: 'open', path }, saveAda);
      const other = join(folder, 'other');
      linkSync(path, other);
      for (const name of [path, other]) {
        const outcomes = await run({ do: 'open', path: name }, { do: 'ready' }, list, saveBob);
        expect(outcomes).toEqual(['ok', ...Array(3).fill('PATH_UNUSABLE')]);
      }
      rmSync(other);
      expect(await run({ do: 'open', path }, { do: 'ready' }, list)).toEqual(['ok', 'ok', ['ada']]);
    });

    // Elsewhere a test can't mount anything.
    test.runIf(process.platform === 'linux')('is refused where it is mounted alone', async () => {
      const folder = freshFolder();
      const path = join(folder, 'tokens');
      await run({ do: 'open', path }, saveAda);
      const over = join(folder, 'mounted here');
      writeFileSync(over, '');
      const outcomes = await run(
        { do: 'mount-file', file: path, over },
        { do: 'open', path: over },
        { do: 'ready' },
        list,
        saveBob,
      );
      expect(outcomes).toEqual(['ok', 'ok', ...Array(3).fill('PATH_UNUSABLE')]);
      expect(await run({ do: 'open', path }, list)).toEqual(['ok', ['ada']]);
    });
  });

  // Who is no administrator can't make files of somebody else.
  describe.runIf(process.getuid?.() === 0)('what another user has prepared', () => {
    const NOBODY = 65_534;
    const planted = (mode: number): { folder: string; path: string } => {
      const folder = freshFolder();
      const path = join(folder, 'tokens');
      writeFileSync(path, '');
      chownSync(path, NOBODY, NOBODY);
      chmodSync(path, mode);
      return { folder, path };
    };

    test('is refused in a folder where everybody may put things', async () => {
      const { folder, path } = planted(0o600);
      chmodSync(folder, 0o1777);
      const outcomes = await run({ do: 'open', path }, { do: 'ready' }, saveAda);
      expect(outcomes).toEqual(['ok', 'ACCESS_DENIED', 'ACCESS_DENIED']);
      expect(readFileSync(path, 'utf8')).toBe('');
    });

    test('is refused where everybody may read or write it', async () => {
      for (const mode of [0o644, 0o666]) {
        const { path } = planted(mode);
        const outcomes = await run({ do: 'open', path }, { do: 'ready' }, saveAda);
        expect(outcomes).toEqual(['ok', 'ACCESS_DENIED', 'ACCESS_DENIED']);
        expect(readFileSync(path, 'utf8')).toBe('');
      }
    });

    test('is not followed, where it is a link in a folder of everybody', async () => {
      const target = join(freshFolder(), 'target');
      for (const name of ['tokens', 'folder/tokens']) {
        const folder = freshFolder();
        chmodSync(folder, 0o1777);
        const [first = ''] = name.split('/');
        symlinkSync(name === first ? target : dirname(target), join(folder, first));
        lchownSync(join(folder, first), NOBODY, NOBODY);
        const outcomes = await run(
          { do: 'open', path: join(folder, name) },
          { do: 'ready' },
          saveAda,
        );
        expect(outcomes).toEqual(['ok', 'ACCESS_DENIED', 'ACCESS_DENIED']);
        expect(readdirSync(dirname(target))).toEqual([]);
      }
    });

    test('and shares with a group is saved to, or that is said', async () => {
      const folder = freshFolder();
      const path = join(folder, 'tokens');
      await run({ do: 'open', path }, saveAda);
      chownSync(folder, 0, NOBODY);
      chmodSync(folder, 0o2770);
      for (const name of readdirSync(folder)) {
        chownSync(join(folder, name), 12_345, NOBODY);
        chmodSync(join(folder, name), 0o660);
      }
      const outcomes = await runUnprivileged({ do: 'open', path }, list, saveBob, list);
      const saved = ['ok', ['ada'], 'ok', ['ada', 'bob']];
      const said = ['ok', ['ada'], 'ACCESS_DENIED', ['ada']];
      expect(outcomes).toEqual(store.sharesWithGroup ? saved : said);
    });

    test('is used in a folder of that user, as volumes of containers are', async () => {
      const folder = freshFolder();
      const path = join(folder, 'tokens');
      chownSync(folder, NOBODY, NOBODY);
      expect(await run({ do: 'open', path }, saveAda)).toEqual(['ok', 'ok']);
      chownSync(path, NOBODY, NOBODY);
      expect(await run({ do: 'open', path }, saveBob, list)).toEqual(['ok', 'ok', ['ada', 'bob']]);
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

    test('that takes no writes any more is read, and refuses saves with READ_ONLY', async () => {
      const disk = freshFolder();
      const path = join(disk, 'tokens');
      const outcomes = await run(
        { do: 'mount', folder: disk },
        { do: 'open', path },
        saveAda,
        close,
        { do: 'make-read-only', folder: disk },
        { do: 'open', path },
        { do: 'ready' },
        list,
        saveBob,
        list,
      );
      expect(outcomes.slice(5)).toEqual(['ok', 'ok', ['ada'], 'READ_ONLY', ['ada']]);
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
