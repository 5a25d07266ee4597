// `pnpm --filter @tokenkeep/release new-user`: what somebody gets who installs the keeper and a store
// in an empty folder, from the packed packages: a program of 15 lines makes ten calls in each of
// three processes at once, and the provider is asked for one refresh.
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOAuthProvider } from '@tokenkeep/oauth-provider';
import { publishedPackages } from './published-packages.ts';
import { ownEnvironment } from './rehearsal/environment.ts';
import { runProgram } from './run-program.ts';
import { pack } from './tarball.ts';

const PACKAGES = ['core', 'keeper', 'sqlite'];
const PROCESSES = 3;

const root = join(import.meta.dirname, '../../..');
const folder = await mkdtemp(join(tmpdir(), 'tokenkeep-new-user-'));
try {
  await tryAsNewUser();
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function tryAsNewUser(): Promise<void> {
  const env = ownEnvironment();
  await runProgram('pnpm', ['--silent', 'run', 'build'], { cwd: root, env, timeout: 300_000 });
  const sources = publishedPackages(root).filter(({ shortName }) => PACKAGES.includes(shortName));
  const packed = await Promise.all(sources.map((source) => pack(source, `${folder}-packed`)));
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  const tarballs = packed.map(({ path }) => path);
  await runProgram('npm', ['install', '--no-audit', '--no-fund', ...tarballs], {
    cwd: folder,
    env,
    timeout: 300_000,
  });
  await rm(`${folder}-packed`, { recursive: true });
  console.log(`installed: ${tarballs.map((path) => path.split('/').at(-1)).join(', ')}`);
  await cp(join(import.meta.dirname, '../new-user'), folder, { recursive: true });

  // It revokes the whole login if a refresh token comes twice.
  await using provider = await startOAuthProvider({ rotation: 'revokes' });
  const { tokenEndpoint, api } = provider;
  const settings = { ...env, TOKEN_ENDPOINT: tokenEndpoint, API: api };
  const login = JSON.stringify(provider.login('ada'));
  const first = await run({ ...settings, LOGIN: login });
  provider.expireAccessTokens();
  const answers = await Promise.all(Array.from({ length: PROCESSES }, () => run(settings)));
  console.log(`the first start: ${first}`);
  for (const answer of answers) console.log(`a later process, the access token is over: ${answer}`);
  const { refreshes, refusedRefreshes } = provider.counts;
  console.log(
    `${refreshes} refreshes, ${refusedRefreshes} refused, ${provider.familiesRevoked} logins revoked`,
  );
  const good = Array.from({ length: 10 }, () => 200).join(' ');
  const isRight = [first, ...answers].every((answer) => answer === good) && refreshes === 1;
  if (!isRight) throw new Error('That is not what the README of the keeper promises.');
}

async function run(env: NodeJS.ProcessEnv): Promise<string> {
  return (await runProgram(process.execPath, ['program.js'], { cwd: folder, env })).trim();
}
