import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cachedFolder } from './cache-folder.ts';
import type { Program, ProgramFolder } from './program-folder.ts';
import { runCommand } from './run-command.ts';

/** Debian packages that together hold a server program. */
export interface DebianPackages {
  /** The folder's name in the cache. */
  readonly name: string;
  /** `bookworm`, `trixie`, `sid`: it need not be the one that the machine runs. */
  readonly suite: string;
  readonly packages: readonly string[];
}

// The first is what newer systems have; both hold the keys of every suite used here.
const KEYRINGS = [
  '/usr/share/keyrings/debian-archive-keyring.pgp',
  '/usr/share/keyrings/debian-archive-keyring.gpg',
];

/** Whether this machine can fetch packages of Debian: it has apt, and the keys to check them. */
export function hasDebianPackages(): boolean {
  return existsSync('/usr/bin/apt-get') && KEYRINGS.some((file) => existsSync(file));
}

/**
 * Unpacks packages, with everything that they depend on down to the C library, into a folder of
 * the cache. Nothing is installed, no maintainer script runs, no service starts and root is not
 * needed; signatures are checked against the system's own keyring.
 */
export async function unpackedDebian(wanted: DebianPackages): Promise<ProgramFolder> {
  const folder = await cachedFolder(wanted.name, (unfinished) => unpack(wanted, unfinished));
  const triplet = await libraryTriplet(folder);
  const libraries = [join(folder, 'lib', triplet), join(folder, 'usr/lib', triplet)];
  const [loader] = await findLoader(libraries);
  if (loader === undefined) throw new Error(`No ld-linux in ${folder}; delete that folder.`);
  // Started through the loader that was unpacked with them, the programs find their own C library
  // and not the machine's, which may be older.
  const throughLoader = (program: string): Program => [
    loader,
    '--library-path',
    libraries.join(':'),
    program,
  ];
  return { folder: join(folder, 'usr'), program: throughLoader };
}

async function libraryTriplet(folder: string): Promise<string> {
  for (const entry of await readdir(join(folder, 'usr/lib'))) {
    if (entry.endsWith('-linux-gnu') || entry.includes('-linux-gnueabi')) return entry;
  }
  throw new Error(`No libraries in ${folder}; delete that folder.`);
}

async function findLoader(folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    folders.filter(existsSync).map(async (folder) => {
      const names = await readdir(folder);
      return names.filter((name) => name.startsWith('ld-linux')).map((name) => join(folder, name));
    }),
  );
  return found.flat();
}

async function unpack(wanted: DebianPackages, folder: string): Promise<void> {
  const apt = join(folder, '.apt');
  const archives = join(apt, 'cache/archives');
  await mkdir(join(apt, 'lists/partial'), { recursive: true });
  await mkdir(join(archives, 'partial'), { recursive: true });
  // An empty list of what is installed makes apt fetch every dependency.
  await writeFile(join(apt, 'status'), '');
  const keyring = KEYRINGS.find((file) => existsSync(file));
  await writeFile(
    join(apt, 'sources.list'),
    `deb [signed-by=${keyring}] ${await debianMirror()} ${wanted.suite} main\n`,
  );
  const options = [
    `Dir::State=${apt}`,
    `Dir::State::lists=${join(apt, 'lists')}`,
    `Dir::State::status=${join(apt, 'status')}`,
    `Dir::Cache=${join(apt, 'cache')}`,
    `Dir::Etc::SourceList=${join(apt, 'sources.list')}`,
    'Dir::Etc::SourceParts=/dev/null',
    'Acquire::Languages=none',
    'Acquire::Retries=3',
    'APT::Install-Recommends=false',
    // The user _apt, that downloads run as, can't write into a private folder.
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  await runCommand(['apt-get', ...options, '-q', 'update']);
  await runCommand([
    'apt-get',
    ...options,
    '-qq',
    '--yes',
    '--download-only',
    'install',
    ...wanted.packages,
  ]);
  const files = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
  for (const file of files) await runCommand(['dpkg-deb', '-x', join(archives, file), folder]);
  await rm(apt, { recursive: true, force: true });
}

/** The mirror that the machine's own apt sources name; security and other archives aside. */
async function debianMirror(): Promise<string> {
  const targets = await runCommand([
    'apt-get',
    'indextargets',
    '--format',
    '$(REPO_URI) $(COMPONENT)',
    'Created-By: Packages',
  ]);
  for (const line of targets.split('\n')) {
    const [uri, component] = line.split(' ');
    if (uri !== undefined && component === 'main' && /\/debian\/?$/.test(uri)) return uri;
  }
  throw new Error("The machine's apt sources name no Debian mirror (an address ending in /debian)");
}
