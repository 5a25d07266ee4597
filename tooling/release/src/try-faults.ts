// `pnpm --filter @tokenkeep/release faults`: the inputs that once came out wrong, as a user gives
// them: in an empty folder, to the packages as npm gets them. They have to be built.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publishedPackages } from './published-packages.ts';
import { ownEnvironment } from './rehearsal/environment.ts';
import { runProgram, tryProgram } from './run-program.ts';
import { pack } from './tarball.ts';

const root = join(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'tokenkeep-faults-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const tarballs: string[] = [];
for (const source of publishedPackages(root)) {
  tarballs.push((await pack(source, join(folder, 'packed'))).path);
}
const app = join(folder, 'app');
cpSync(join(import.meta.dirname, '../faults'), app, { recursive: true });
writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module' }));

// What the inputs write goes with the folder.
const env = { ...ownEnvironment(), TMPDIR: folder, METADATA_SERVER_DETECTION: 'none' };
const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs];
await runProgram('npm', install, { cwd: app, env, timeout: 300_000 });
console.log(`${tarballs.length} packages, packed and installed in an empty folder`);
const { code, stdout, stderr } = await tryProgram('node', ['run.js'], { cwd: app, env });
console.log(`${stdout}${stderr}`);
process.exitCode = code === 0 ? 0 : 1;
