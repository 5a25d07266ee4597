import { readFile } from 'node:fs/promises';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { problemKindInfo } from '@arethetypeswrong/core/problems';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import type { Tarball } from './tarball.ts';

/** What publint has against a tarball, suggestions too; none if all is well. */
export async function publintFindings({ folder, manifest }: Tarball): Promise<string[]> {
  const { messages } = await publint({ pkgDir: folder, strict: true, pack: false });
  return messages.map((message) => `${message.type}: ${formatMessage(message, { ...manifest })}`);
}

/** The ways to import that a package of ES modules does not offer types for. */
const NOT_ESM: ReadonlySet<string> = new Set(['node10', 'node16-cjs']);

/** What "are the types wrong" has against a tarball of ES modules; none if all is well. */
export async function typesFindings({ path }: Tarball): Promise<string[]> {
  const result = await checkPackage(createPackageFromTarballData(await readFile(path)));
  if (!result.types) return [];
  return result.problems
    .filter((problem) => !('resolutionKind' in problem && NOT_ESM.has(problem.resolutionKind)))
    .map((problem) => {
      const where = 'entrypoint' in problem ? problem.entrypoint : '';
      return `${where} ${problemKindInfo[problem.kind].title}`.trim();
    });
}
