import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasDebianPackages, unpackedDebian } from './debian.ts';
import { installedProgram } from './installed-program.ts';
import { firstThatWorks } from './ways.ts';

/** A browser for tests, as playwright-core's `chromium.launch()` takes it. */
export interface Chromium {
  readonly executablePath: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Finds Chromium: the one in `CHROMIUM_PATH`, an installed one, or Debian's, fetched and unpacked.
 *
 * @throws TestServerError `SERVER_UNAVAILABLE`
 */
export function findChromium(): Promise<Chromium> {
  return firstThatWorks('Chromium', [
    { advice: 'set CHROMIUM_PATH=/path/to/chromium', start: async () => named() },
    { advice: 'install chromium or google-chrome', start: async () => installed() },
    { advice: 'run on Debian, where it is fetched', start: unpacked },
  ]);
}

function named(): Chromium | undefined {
  const path = process.env['CHROMIUM_PATH'];
  return path ? chromiumAt(path) : undefined;
}

function installed(): Chromium | undefined {
  for (const name of ['chromium', 'google-chrome', 'chromium-browser']) {
    const program = installedProgram(name);
    if (program !== undefined) return chromiumAt(program.path);
  }
  return undefined;
}

/**
 * It starts itself again for each page, so it can't be started through a loader as servers are: it
 * has to be of the machine's own release, and so of its C library.
 */
async function unpacked(): Promise<Chromium | undefined> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const [, suite] = /^VERSION_CODENAME=(\w+)$/m.exec(release) ?? [];
  if (suite === undefined || !/^ID=debian$/m.test(release) || !hasDebianPackages())
    return undefined;
  const packages = ['chromium', 'fonts-dejavu-core'];
  const { folder } = await unpackedDebian({ name: `chromium-${suite}`, suite, packages });
  const root = join(folder, '..');
  const names = await readdir(join(folder, 'lib'));
  const triplet = names.find((name) => name.includes('-linux-gnu')) ?? '';
  const ours = join(folder, 'lib', triplet);
  const libraries = [ours, join(root, 'lib', triplet), join(ours, 'pulseaudio')].filter(existsSync);
  // Its fonts are not where the system's settings say that fonts are.
  const fonts = join(root, 'fonts.conf');
  await writeFile(fonts, `<fontconfig><dir>${join(folder, 'share/fonts')}</dir></fontconfig>\n`);
  return chromiumAt(join(folder, 'lib/chromium/chromium'), {
    LD_LIBRARY_PATH: libraries.join(':'),
    FONTCONFIG_FILE: fonts,
  });
}

function chromiumAt(executablePath: string, env: Record<string, string> = {}): Chromium {
  const { PATH = '', HOME = '' } = process.env;
  return { executablePath, env: { PATH, HOME, ...env } };
}
