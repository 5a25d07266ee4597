// `pnpm release:packages`: what would be published, and what publint and "are the types wrong" say.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publintFindings, typesFindings } from './package-checks.ts';
import { publishedPackages } from './published-packages.ts';
import { SIZE_BUDGETS } from './size-budgets.ts';
import { pack } from './tarball.ts';

const folder = mkdtempSync(join(tmpdir(), 'tokenkeep-packages-'));
const rows: Record<string, object> = {};
const shown = (findings: readonly string[]) => (findings.length === 0 ? 'ok' : findings.join('; '));
for (const source of publishedPackages(join(import.meta.dirname, '../../..'))) {
  const tarball = await pack(source, folder);
  const { name } = source.manifest;
  rows[name] = {
    files: tarball.files.length,
    'packed, bytes': tarball.packedBytes,
    'unpacked, bytes': tarball.unpackedBytes,
    budget: Object.values(SIZE_BUDGETS[name] ?? {}).join(' / '),
    publint: shown(await publintFindings(tarball)),
    'types (ESM)': shown(await typesFindings(tarball)),
  };
}
rmSync(folder, { recursive: true });
console.table(rows);
